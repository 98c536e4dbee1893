import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { beforeEach, describe, test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { copyMaxMs, signalSource } from './signal-source.ts';

describe('signals of a process', () => {
  let clock: SimulatedClock;
  let emitter: EventEmitter;
  let exits: number[];
  let onSignal: ReturnType<typeof signalSource>;
  beforeEach(() => {
    clock = new SimulatedClock();
    emitter = new EventEmitter();
    exits = [];
    onSignal = signalSource(emitter, clock, (code) => exits.push(code));
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} that comes again at once counts once; half a second later it counts again`, () => {
      let heard = 0;
      onSignal(signal, () => heard++);
      emitter.emit(signal);
      emitter.emit(signal);
      clock.advanceSync(copyMaxMs - 1);
      emitter.emit(signal);
      assert.equal(heard, 1);
      clock.advanceSync(1);
      emitter.emit(signal);
      emitter.emit(signal);
      assert.equal(heard, 2);
    });

    test(`a copy of ${signal} does not end a process that has stopped listening; a later ${signal} does`, () => {
      const leave = onSignal(signal, () => {});
      emitter.emit(signal);
      leave();
      emitter.emit(signal);
      assert.deepEqual([emitter.listenerCount(signal), exits], [1, []]);
      clock.advanceSync(copyMaxMs);
      emitter.emit(signal);
      assert.deepEqual(exits, [signal === 'SIGINT' ? 130 : 143]);
    });

    test(`${signal} has its default effect again after the last listener has left, if none came`, () => {
      onSignal(signal, () => {})();
      assert.equal(emitter.listenerCount(signal), 0);
    });
  }

  test('a SIGTERM right after a SIGINT counts as a second signal', () => {
    const heard: string[] = [];
    for (const signal of ['SIGINT', 'SIGTERM'] as const) onSignal(signal, () => heard.push(signal));
    emitter.emit('SIGINT');
    emitter.emit('SIGTERM');
    assert.deepEqual(heard, ['SIGINT', 'SIGTERM']);
  });

  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
    test(`${signal} is passed on each time until the listener has left`, () => {
      let heard = 0;
      const leave = onSignal(signal, () => heard++);
      emitter.emit(signal);
      emitter.emit(signal);
      leave();
      emitter.emit(signal);
      assert.equal(heard, 2);
    });
  }
});
