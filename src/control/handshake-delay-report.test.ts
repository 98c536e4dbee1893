import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventSink, NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { HandshakeDelayReport } from './worker-reports.ts';

test('delayed handshakes are reported at once, then every ten seconds while they go on, with the address of the last one', () => {
  const clock = new SimulatedClock();
  const told: NewEvent[] = [];
  const events: EventSink = { emit: (event) => void told.push(event) };
  const report = new HandshakeDelayReport(clock, events);
  const limits = { handshakesPerSecondMax: 200 };
  const worker = (handshakesDelayed: number, lastDelayedHandshake: string) => ({
    handshakesDelayed,
    lastDelayedHandshake,
  });
  report.note([worker(0, ''), worker(0, '')], limits);
  assert.equal(told.length, 0);
  report.note([worker(0, ''), worker(1, '192.0.2.1')], limits);
  report.note([worker(500, '192.0.2.2'), worker(1, '192.0.2.1')], limits);
  assert.deepEqual(
    told.map(({ evidence }) => evidence),
    [{ count: 1, address: '192.0.2.1', perSecond: 200 }],
  );
  clock.advanceSync(10_000);
  report.note([worker(500, '192.0.2.2'), worker(1, '192.0.2.1')], limits);
  clock.advanceSync(10_000);
  report.note([worker(500, '192.0.2.2'), worker(1, '192.0.2.1')], limits);
  assert.deepEqual(
    told.map(({ evidence }) => evidence),
    [
      { count: 1, address: '192.0.2.1', perSecond: 200 },
      { count: 500, address: '192.0.2.2', perSecond: 200 },
    ],
  );
  assert.match(told[1]?.reason ?? '', /^500 TLS handshakes waited, the last of 192\.0\.2\.2: /);
});
