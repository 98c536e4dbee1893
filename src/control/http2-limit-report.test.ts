import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Event } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { Http2LimitReport } from './http2-limit-report.ts';

it('reports a limit at once, then every ten seconds while it lasts, and counts all', () => {
  const clock = new SimulatedClock();
  const events: { kind: string; reason: string; evidence: object }[] = [];
  const sink = { emit: (event: Pick<Event, 'kind' | 'reason' | 'evidence'>) => void events.push(event) };
  const report = new Http2LimitReport(clock, sink as never, () => new Set(['web']));
  const reached = { listener: 'web', limit: 'resets', address: '192.0.2.1', delayMs: 0 } as const;

  report.note([{ ...reached, count: 1 }]);
  assert.equal(
    events.at(-1)?.reason,
    'the HTTP/2 connection of 192.0.2.1 was ended: too many resets of its own requests',
  );
  report.note([{ ...reached, count: 3 }]);
  report.note([{ ...reached, count: 2, address: '192.0.2.9', delayMs: 500 }]);
  assert.equal(events.length, 1, 'a flood is one event');
  report.note([{ ...reached, limit: 'pings', count: 1 }]);
  assert.equal(events.length, 2, 'another limit is another event');

  clock.advanceSync(10_000);
  report.note([]);
  assert.deepEqual(events.at(-1)?.evidence, { limit: 'resets', count: 5, address: '192.0.2.9', delayMs: 500 });
  clock.advanceSync(10_000);
  report.note([]);
  assert.match(events.at(-1)?.reason ?? '', /; the next connections from there wait 500 ms$/);
  assert.equal(events.length, 3);
  assert.deepEqual(
    report.totals.map(({ limit, count }) => [limit, count]),
    [
      ['resets', 6],
      ['pings', 1],
    ],
  );
});

it('says of abandoned requests what their clients did, since no connection was ended for them', () => {
  const clock = new SimulatedClock();
  const reasons: string[] = [];
  const sink = { emit: ({ reason }: Pick<Event, 'reason'>) => void reasons.push(reason) };
  const report = new Http2LimitReport(clock, sink as never, () => new Set(['web']));
  const reached = { listener: 'web', limit: 'abandoned', address: '192.0.2.1', delayMs: 250 } as const;
  report.note([{ ...reached, count: 1 }]);
  report.note([{ ...reached, count: 3 }]);
  clock.advanceSync(10_000);
  report.note([]);
  assert.deepEqual(reasons, [
    'the client at 192.0.2.1 abandoned too many requests by closing its connections; the next connections from there wait 250 ms',
    'clients closed 3 connections after they had abandoned too many requests, the last one at 192.0.2.1; the next connections from there wait 250 ms',
  ]);
});

it('remembers for a minute which limits were reached, how often, since when and from where', () => {
  const clock = new SimulatedClock();
  const report = new Http2LimitReport(clock, { emit: () => {} } as never, () => new Set(['web']));
  const reached = { listener: 'web', limit: 'resets', count: 2, delayMs: 0 } as const;
  const recent = () => report.recent;
  const pass = (seconds: number): void => {
    for (let quarter = 0; quarter < 4 * seconds; quarter++) {
      report.note([]);
      clock.advanceSync(250);
    }
  };
  pass(5);
  assert.equal(recent(), null);
  const since = clock.now();
  for (let n = 0; n < 200; n++) report.note([{ ...reached, address: `192.0.2.${n}` }]);
  pass(30);
  const lastAt = clock.now();
  report.note([{ ...reached, limit: 'pings', count: 5, address: '192.0.2.150' }]);
  pass(20);
  const found = recent();
  assert.deepEqual(found?.limits, [
    { limit: 'resets', count: 400 },
    { limit: 'pings', count: 5 },
  ]);
  assert.deepEqual([found.since, found.lastAt, found.addresses.length], [since, lastAt, 100]);
  assert.deepEqual(found.addresses.slice(0, 2), ['192.0.2.150', '192.0.2.199']);
  pass(15);
  assert.deepEqual(recent()?.limits, [{ limit: 'pings', count: 5 }]);
  assert.deepEqual(recent()?.addresses, ['192.0.2.150']);
  pass(30);
  assert.equal(recent(), null);
});
