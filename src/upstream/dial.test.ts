import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Connector } from '../core/connector.ts';
import { Deadlines } from '../core/deadline.ts';
import { hostPort } from '../core/endpoint.ts';
import { after } from '../core/time.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { createTransportPair } from '../testing/memory-transport.ts';
import { Dial } from './dial.ts';

const limits = { dnsMs: 100, connectMs: 100, tlsMs: 100 };

interface Asked {
  readonly host?: string;
  readonly secondAddress?: string | null;
  /** What the name leads to, where the host is one. */
  readonly resolved?: readonly string[];
  /** Each address 'accepts', is 'silent', accepts 'after' some milliseconds, or fails with an errno. */
  readonly outcome: (address: string) => string;
  readonly limits?: Partial<typeof limits>;
}

interface Told {
  readonly log: readonly string[];
  readonly clock: SimulatedClock;
}

/** Begins to open a connection to port 3000; what happens goes into the log, with the time where it matters. */
function open({ host = 'localhost', secondAddress = null, resolved = [], outcome, ...rest }: Asked): Told {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const connector: Connector = {
    resolve(_name, waiter) {
      clock.schedule(clock.now(), () => waiter.onResolved(resolved), null);
      return { cancel() {} };
    },
    connect(target, waiter) {
      const address = target.kind === 'tcp' ? target.address : target.path;
      log.push(`${clock.now()} try ${address}`);
      const does = outcome(address);
      if (does === 'silent') return { cancel: () => log.push(`${clock.now()} cancel ${address}`) };
      const delayMs = /^after \d+$/.test(does) ? Number(does.slice(6)) : 0;
      const timer = clock.schedule(
        after(clock.now(), delayMs),
        () => {
          if (does !== 'accepts' && delayMs === 0)
            return waiter.onConnectFailed({ stage: 'connect', code: does, alertId: null });
          waiter.onTransportConnected();
          waiter.onConnected(createTransportPair({ clock })[0]);
        },
        null,
      );
      return {
        cancel() {
          log.push(`${clock.now()} cancel ${address}`);
          timer.cancel();
        },
      };
    },
  };
  const address = { kind: 'tcp', host, port: 3000 } as const;
  const ports = { clock, deadlines: new Deadlines(clock), connector, onUnclassified: () => log.push('unclassified') };
  const addressText = hostPort(host, 3000);
  const dialLimits = { ...limits, ...rest.limits };
  const target = {
    address,
    name: null,
    secondAddress,
    addressText,
    tls: null,
    protocols: [],
    header: null,
    limits: dialLimits,
  };
  const dial = new Dial(target, ports, {
    onStageDone: () => undefined,
    onDialed: (_transport, where) => log.push(`${clock.now()} opened ${where}`),
    onDialFailed: (failure) =>
      log.push(`${clock.now()} ${failure.cause}${'address' in failure.evidence ? ` ${failure.evidence.address}` : ''}`),
  });
  dial.begin();
  clock.advanceSync(10_000);
  assert.equal(ports.deadlines.size, 0, 'nothing is left that could fire');
  return { log, clock };
}

describe('a name that is looked up here', () => {
  const only = (address: string): string => (address === '::1' ? 'ECONNREFUSED' : 'accepts');

  test('is reached at its second address where the first refuses', () => {
    const { log } = open({ resolved: ['::1', '127.0.0.1'], outcome: only });
    assert.deepEqual(log, ['0 try ::1', '0 try 127.0.0.1', '0 opened 127.0.0.1:3000']);
  });

  test('has one limit for all its addresses', () => {
    const { log } = open({ resolved: ['10.0.0.1', '10.0.0.2'], outcome: () => 'silent' });
    assert.deepEqual(log, ['0 try 10.0.0.1', '100 cancel 10.0.0.1', '100 connect_timeout 10.0.0.1:3000']);
  });
});

describe('an address with a second address', () => {
  const dual = { host: '10.0.0.1', secondAddress: 'fd00::1', limits: { connectMs: 1000 } };
  const race = (first: string, other: string): readonly string[] =>
    open({ ...dual, outcome: (address) => (address === '10.0.0.1' ? first : other) }).log;

  test('is tried alone where it answers within 250 ms', () => {
    assert.deepEqual(race('after 249', 'accepts'), ['0 try 10.0.0.1', '249 opened 10.0.0.1:3000']);
  });

  test('is raced by it after 250 ms; the first to connect wins, and the other is closed', () => {
    assert.deepEqual(race('silent', 'after 30'), [
      '0 try 10.0.0.1',
      '260 try fd00::1',
      '290 cancel 10.0.0.1',
      '290 opened [fd00::1]:3000',
    ]);
    assert.deepEqual(race('after 300', 'silent'), [
      '0 try 10.0.0.1',
      '260 try fd00::1',
      '300 cancel fd00::1',
      '300 opened 10.0.0.1:3000',
    ]);
  });

  test('is followed by it at once where it refuses', () => {
    assert.deepEqual(race('ECONNREFUSED', 'accepts'), ['0 try 10.0.0.1', '0 try fd00::1', '0 opened [fd00::1]:3000']);
  });

  test('may still connect after the second address has refused', () => {
    assert.deepEqual(race('after 500', 'ECONNREFUSED'), [
      '0 try 10.0.0.1',
      '260 try fd00::1',
      '500 opened 10.0.0.1:3000',
    ]);
  });

  test('fails as it did itself, unless it could not be reached from this machine at all', () => {
    const last = (log: readonly string[]): string | undefined => log.at(-1);
    assert.equal(last(race('ECONNREFUSED', 'ENETUNREACH')), '0 connect_refused 10.0.0.1:3000');
    assert.equal(last(race('ENETUNREACH', 'ECONNREFUSED')), '0 connect_refused [fd00::1]:3000');
    assert.equal(last(race('ENETUNREACH', 'ENETUNREACH')), '0 connect_unroutable 10.0.0.1:3000');
    assert.equal(last(race('ECONNREFUSED', 'EADDRNOTAVAIL')), '0 connect_refused 10.0.0.1:3000');
  });

  test('has one limit together with it, and one failure', () => {
    assert.deepEqual(race('silent', 'silent'), [
      '0 try 10.0.0.1',
      '260 try fd00::1',
      '1000 cancel 10.0.0.1',
      '1000 cancel fd00::1',
      '1000 connect_timeout 10.0.0.1:3000',
    ]);
  });
});
