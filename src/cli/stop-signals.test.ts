import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ServiceSignals } from './stop-signals.ts';

let listeners: Map<string, () => void>;
let acted: string[];
let signals: ServiceSignals;

beforeEach(() => {
  listeners = new Map();
  acted = [];
  signals = new ServiceSignals({
    onSignal(signal, listener) {
      listeners.set(signal, listener);
      return () => listeners.delete(signal);
    },
  });
});

const act = (signal: string): void => void acted.push(signal);
const send = (signal: string): void => listeners.get(signal)?.();

test('a signal that comes before passTo is handled afterwards, once', () => {
  for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGHUP', 'SIGUSR1']) send(signal);
  signals.passTo(act);
  assert.deepEqual(acted, ['SIGHUP', 'SIGUSR2', 'SIGUSR1']);
});

test('after passTo each signal is handled when it comes', () => {
  signals.passTo(act);
  for (const signal of ['SIGHUP', 'SIGHUP', 'SIGUSR2']) send(signal);
  assert.deepEqual(acted, ['SIGHUP', 'SIGHUP', 'SIGUSR2']);
});

test('after release there are no listeners, and no signal is handled', () => {
  send('SIGHUP');
  signals.release();
  signals.passTo(act);
  assert.deepEqual([acted, [...listeners.keys()]], [[], []]);
});
