import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noCounts, type WorkerCounts } from '../core/counters.ts';
import type { EventSink, NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { RefusalReport } from './refusal-report.ts';

function reporting() {
  const clock = new SimulatedClock();
  const told: Pick<NewEvent, 'evidence' | 'reason' | 'from' | 'to'>[] = [];
  const events: EventSink = { emit: (event) => void told.push(event) };
  const report = new RefusalReport(clock, events, 200);
  const limits = { connectionsMax: 5, connectionsPerAddressMax: 2 };
  const note = (...workers: Partial<WorkerCounts>[]): void =>
    report.note(
      workers.map((counts) => ({ ...noCounts(1), ...counts })),
      limits,
    );
  return { clock, told, note, report };
}

test('refused clients are reported at once, then every ten seconds, and all are counted', () => {
  const { clock, told, note } = reporting();
  note({});
  note({ refusedAtMax: 1 }, { refusedAtMax: 1 });
  note({ refusedAtMax: 6 }, { refusedAtMax: 1 });
  clock.advanceSync(9999);
  note({ refusedAtMax: 8 });
  clock.advanceSync(1);
  note({ refusedAtMax: 8 }, { refusedAtMax: 1 });
  clock.advanceSync(60_000);
  note({ refusedAtMax: 9 });
  const why = 'connections_max';
  assert.deepEqual(
    told.map(({ evidence }) => evidence),
    [
      { reason: why, count: 2, limit: 5, address: null },
      { reason: why, count: 7, limit: 5, address: null },
      { reason: why, count: 0, limit: 5, address: null },
    ],
  );
});

test('that no client has been refused for a minute is reported once, and a later refusal again', () => {
  const { clock, told, note } = reporting();
  const pass = (ms: number, total: number): void => {
    for (let passed = 0; passed < ms; passed += 100) {
      note({ refusedWithoutMemory: total });
      clock.advanceSync(100);
    }
  };
  pass(1000, 3);
  pass(50_000, 4);
  assert.deepEqual(
    told.map(({ to }) => to),
    ['refusing', 'refusing'],
  );
  pass(200_000, 4);
  pass(1000, 5);
  assert.deepEqual(
    told.map(({ from, to }) => `${from} ${to}`),
    ['accepting refusing', 'refusing refusing', 'refusing accepting', 'accepting refusing'],
  );
});

test('each reason is reported separately, with the address of the last refused client', () => {
  const { told, note } = reporting();
  note(
    { refusedAtMax: 1, refusedWithoutMemory: 2 },
    {
      refusedAtAddressMax: 3,
      refusedWithoutDescriptor: 4,
      lastRefusedAddress: '192.0.2.9',
      lastAddressAtMax: '192.0.2.7',
    },
  );
  assert.deepEqual(
    told.map(({ evidence }) => evidence),
    [
      { reason: 'connections_max', count: 1, limit: 5, address: null },
      { reason: 'connections_per_address_max', count: 3, limit: 2, address: '192.0.2.7' },
      { reason: 'descriptors', count: 4, limit: 200, address: '192.0.2.9' },
      { reason: 'memory', count: 2, limit: null, address: null },
    ],
  );
  assert.match(
    told[1]?.reason ?? '',
    /^3 clients were refused, the last of them \(192\.0\.2\.7\): the limit is 2 connections/,
  );
});

test('one client that was refused is named once, with the time', () => {
  const { clock, told, note } = reporting();
  note({ refusedAtAddressMax: 1, lastAddressAtMax: '192.0.2.7' });
  note({ refusedAtAddressMax: 2, lastAddressAtMax: '192.0.2.8' });
  clock.advanceSync(5000);
  note({ refusedAtAddressMax: 2, lastAddressAtMax: '192.0.2.8' });
  assert.match(told[0]?.reason ?? '', /^a client \(192\.0\.2\.7\) was refused: the limit/);
  assert.match(told[1]?.reason ?? '', /^a client \(192\.0\.2\.8\) was refused 5 s ago: the limit/);
});

test('trusted_peers is suggested only for a private address, with a warning that X-Forwarded-For can be forged', () => {
  const { clock, told, note } = reporting();
  note({ refusedAtAddressMax: 1, lastAddressAtMax: '192.0.2.7' });
  clock.advanceSync(10_000);
  note({ refusedAtAddressMax: 2, lastAddressAtMax: '10.0.0.7' });
  assert.doesNotMatch(told[0]?.reason ?? '', /trusted_peers/);
  assert.match(
    told[1]?.reason ?? '',
    /if 10\.0\.0\.7 is a load balancer .* name it in `trusted_peers`: .* believes its X-Forwarded-For, which every program at that address can write/,
  );
});

/** Counts come four times a second, and clients are refused in some of these quarters. */
function flood(clock: SimulatedClock, note: (counts: Partial<WorkerCounts>) => void, seconds: number, refused = true) {
  for (let quarter = 0; quarter < 4 * seconds; quarter++) {
    if (refused) total += 10;
    note({ refusedWithoutDescriptor: total });
    clock.advanceSync(250);
  }
}
let total = 0;

test('a flood is reported a second after its end, not when its ten seconds are over', () => {
  const { clock, told, note } = reporting();
  total = 0;
  flood(clock, note, 4);
  assert.equal(told.length, 1);
  flood(clock, note, 1, false);
  note({ refusedWithoutDescriptor: total });
  assert.deepEqual(
    told.map(({ evidence }) => (evidence as { count: number }).count),
    [10, 150],
  );
  flood(clock, note, 30, false);
  assert.equal(told.length, 2);
});

test('refusals that come and go are reported at most twice in ten seconds, with the time of the last one', () => {
  const { clock, told, note } = reporting();
  total = 0;
  for (let turn = 0; turn < 20; turn++) {
    flood(clock, note, 1);
    flood(clock, note, 2, false);
  }
  assert.ok(told.length <= 13, `${told.length} reports in a minute`);
  flood(clock, note, 20, false);
  const counted = told.reduce((sum, { evidence }) => sum + (evidence as { count: number }).count, 0);
  assert.equal(counted, total);
  assert.match(
    told.map(({ reason }) => reason).join('\n'),
    /clients were refused, the last of them [2-9] s ago: hardly any descriptor was left/,
  );
});

test('those of the last minute are counted from when each was refused, with the time of the first and of the last one', () => {
  const { clock, note, report } = reporting();
  total = 0;
  const began = clock.now();
  flood(clock, note, 8);
  const ended = clock.now() - 250;
  flood(clock, note, 55, false);
  const [recent] = report.recent;
  assert.deepEqual([recent?.since, recent?.lastAt, recent?.limit], [began, ended, 200]);
  assert.ok((recent?.count ?? 0) >= 160 && (recent?.count ?? 0) <= 240, `${recent?.count}`);
  flood(clock, note, 6, false);
  assert.deepEqual(report.recent, []);
});
