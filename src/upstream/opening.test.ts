import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connector } from '../core/connector.ts';
import { Deadlines } from '../core/deadline.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { createTransportPair } from '../testing/memory-transport.ts';
import { Opening } from './opening.ts';

const limits = { dnsMs: 100, connectMs: 100, tlsMs: 100 };

/** Opens `localhost:3000` where it resolves to `addresses`, each of which 'accepts', is 'silent' or fails with an errno, as `outcome` says; tells what happened. */
function open(addresses: readonly string[], outcome: (address: string) => string): () => string[] {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const connector: Connector = {
    resolve(_name, waiter) {
      clock.schedule(clock.now(), () => waiter.onResolved(addresses), null);
      return { cancel() {} };
    },
    connect(target, waiter) {
      const address = target.kind === 'tcp' ? target.address : target.path;
      told.push(`try ${address}`);
      const does = outcome(address);
      if (does === 'silent') return { cancel: () => told.push(`cancel ${address}`) };
      clock.schedule(
        clock.now(),
        () => {
          if (does !== 'accepts') return waiter.onConnectFailed({ stage: 'connect', code: does, alertId: null });
          waiter.onTransportConnected();
          waiter.onConnected(createTransportPair({ clock })[0]);
        },
        null,
      );
      return { cancel() {} };
    },
  };
  const address = { kind: 'tcp', host: 'localhost', port: 3000 } as const;
  const ports = { clock, deadlines: new Deadlines(clock), connector, onUnclassified: () => told.push('unclassified') };
  const opening = new Opening({ address, place: 'localhost:3000', tls: null, limits }, ports, {
    onStage: () => undefined,
    onOpened: () => told.push('opened'),
    onNotOpened: (failure) => told.push(failure.cause),
  });
  opening.begin();
  return () => {
    clock.advanceSync(1000);
    return told;
  };
}

test('a name whose first address refuses is reached at its second', () => {
  const outcome = (address: string): string => (address === '::1' ? 'ECONNREFUSED' : 'accepts');
  assert.deepEqual(open(['::1', '127.0.0.1'], outcome)(), ['try ::1', 'try 127.0.0.1', 'opened']);
});

test('when all addresses of a name fail, the last failure is told, once', () => {
  const outcome = (address: string): string => (address === '::1' ? 'ENETUNREACH' : 'ECONNREFUSED');
  assert.deepEqual(open(['::1', '127.0.0.1'], outcome)(), ['try ::1', 'try 127.0.0.1', 'connect_refused']);
});

test('the connect limit is one for all addresses of a name', () => {
  const told = open(['10.0.0.1', '10.0.0.2'], () => 'silent')();
  assert.deepEqual(told, ['try 10.0.0.1', 'cancel 10.0.0.1', 'connect_timeout']);
});
