import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noCounts, type WorkerCounts } from '../core/counters.ts';
import { descriptorsStep } from '../core/descriptor-need.ts';
import type { EventFacts, EventSink } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { DescriptorReport } from '../control/descriptor-report.ts';
import { DescriptorLimiter, descriptorLimit, descriptorReserve, longLivedWithin } from './descriptors.ts';

test('tunnels and streams of an endpoint get a quarter of the descriptors at most', () => {
  assert.deepEqual(
    [null, 1024, 40_000, 1_048_576].map((limit) => longLivedWithin(10_000, limit)),
    [10_000, 256, 10_000, 10_000],
  );
});

test('the limit is the soft limit of the process, or null if the system does not show it', () => {
  const limits = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max processes             3900                 3900                 processes ',
    'Max open files            1024                 524288               files     ',
  ].join('\n');
  assert.equal(descriptorLimit(limits), 1024);
  assert.equal(descriptorLimit('Max open files            unlimited            unlimited            files'), null);
  assert.equal(descriptorLimit(''), null);
});

test('a connection within the reserve may stay only if another connection can be closed', () => {
  const counts = noCounts(1);
  let resting = 3;
  const makeRoom = (): number => {
    const closed = Math.min(2, resting);
    resting -= closed;
    return closed;
  };
  const limiter = new DescriptorLimiter(1024, counts, makeRoom);
  const first = 1024 - descriptorReserve(1024);
  assert.equal(limiter.admits(first - 1), true);
  assert.equal(counts.descriptorsScarce, 0);
  assert.deepEqual([limiter.admits(first), limiter.admits(1023), limiter.admits(first)], [true, true, false]);
  assert.deepEqual([counts.descriptorsScarce, counts.closedForDescriptors], [3, 3]);
});

test('without a known limit every connection may stay', () => {
  const limiter = new DescriptorLimiter(null, noCounts(1), () => assert.fail('no connection has to be closed'));
  assert.equal(limiter.admits(1_000_000), true);
});

test('scarce descriptors are reported once, that clients are refused once, and once that there are enough again', async () => {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const events: EventSink = { emit: ({ to, evidence }) => void told.push(`${to} ${JSON.stringify(evidence)}`) };
  let open = 990;
  const report = new DescriptorReport(
    clock,
    events,
    () => 11_024,
    1024,
    async () => open,
  );
  const note = async (counts: Partial<WorkerCounts>): Promise<void> => {
    report.note([{ ...noCounts(1), ...counts }, noCounts(2)]);
    await clock.advance(250);
  };
  const passes = async (counts: Partial<WorkerCounts>, ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) await note(counts);
  };
  await note({});
  await note({ descriptorsScarce: 2, closedForDescriptors: 5 });
  await note({ descriptorsScarce: 9, closedForDescriptors: 7, refusedWithoutDescriptor: 2 });
  const last = { descriptorsScarce: 10, closedForDescriptors: 7, refusedWithoutDescriptor: 3 };
  await passes(last, 5000);
  assert.equal(told.length, 2, 'no second report while they are scarce');
  open = 700;
  await passes(last, 3000);
  assert.deepEqual(told, [
    'scarce {"limit":1024,"needed":11024,"wanted":11024,"open":990,"closed":5,"refused":0}',
    'refusing {"limit":1024,"needed":11024,"wanted":11024,"open":990,"closed":7,"refused":2}',
    'enough {"limit":1024,"needed":11024,"wanted":11024,"open":700,"closed":7,"refused":3}',
  ]);
  await note({ ...last, descriptorsScarce: 11 });
  assert.equal(told.length, 4);
});

for (const [limit, needed, wanted, left] of [
  [1024, 11_024, 11_024, 'hardly any descriptor was left of 1024 (ulimit -n): '],
  [1024, 1000, 2048, 'hardly any descriptor was left of 1024 (ulimit -n): '],
  [null, 1000, 1000, 'hardly any descriptor was left (ulimit -n): '],
] as const)
  test(`the event of a shortage names the number that the next step names: limit ${limit}, ${needed} needed`, async () => {
    const clock = new SimulatedClock();
    const told: Parameters<EventSink['emit']>[0][] = [];
    const events: EventSink = { emit: (event) => void told.push(event) };
    const report = new DescriptorReport(
      clock,
      events,
      () => needed,
      limit,
      async () => 990,
    );
    report.note([{ ...noCounts(1), descriptorsScarce: 1 }]);
    await clock.advance(250);
    const [event] = told;
    assert.ok(event?.kind === 'descriptors_exhausted');
    const evidence = event.evidence as EventFacts['descriptors_exhausted'];
    assert.equal(evidence.wanted, wanted);
    assert.match(descriptorsStep(evidence), new RegExp(`LimitNOFILE=${wanted} `));
    assert.ok(event.reason.startsWith(left), event.reason);
  });
