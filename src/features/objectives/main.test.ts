import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { durationBoundsMs, type ExchangeCount } from '../../core/counters.ts';
import type { NewEvent } from '../../core/event.ts';
import type { SloSpec } from '../../core/objective.ts';
import { sampleCount } from '../../record/sample-count.test-support.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { SloFile } from './main-file.ts';
import { SloWatch } from './main.ts';

let folder: string;
let clock: SimulatedClock;
let events: NewEvent[];
let watch: SloWatch;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-slo-'));
  clock = new SimulatedClock();
  events = [];
  watch = watched();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function watched(): SloWatch {
  const sink = { emit: (event: NewEvent) => void events.push(event) };
  return new SloWatch({ clock, events: sink as never, storage: new SloFile(folder) });
}

const route = (spec: SloSpec, id = '/api') => ({ scope: { kind: 'route', id, upstream: 'app' } as const, spec });
const availability: SloSpec = { availability: 0.999, latency: null };

/** Requests that took `ms`. */
function counted(count: number, facts: Partial<ExchangeCount> = {}, ms = 1): ExchangeCount {
  const durations = Array.from({ length: durationBoundsMs.length + 1 }, () => 0);
  const cell = durationBoundsMs.findIndex((bound) => ms <= bound);
  durations[cell === -1 ? durationBoundsMs.length : cell] = count;
  return sampleCount({ route: '/api', upstream: 'api', count, durations, ...facts });
}

/** A batch every ten seconds. */
async function run(minutes: number, ...batch: ExchangeCount[]): Promise<void> {
  for (let at = 0; at < minutes * 6; at += 1) {
    watch.onExchanges(batch);
    await clock.advance(10_000);
  }
}

const seen = (): readonly string[] =>
  events.map(({ subject, to, evidence }) => `${subject} ${to} ${(evidence as { tier: string }).tier}`);

test('a route whose requests fail is reported once, and once that it keeps its objective again', async () => {
  watch.use([route(availability)]);
  await run(60, counted(100));
  await run(5, counted(50), counted(50, { statusClass: '5xx' }));
  await run(3 * 60, counted(100));
  assert.deepEqual(seen().slice(0, 1), ['route:/api burning fast']);
  assert.match(
    events[0]?.reason ?? '',
    /99\.9 % of requests without failure\) is missed: its budget is used up [\d.]+ times as fast/,
  );
  // The budget of six hours is used up for longer: the slower windows go on.
  assert.ok(
    seen()
      .slice(1)
      .every((one) => / (?:burning (?:medium|slow)|kept null)$/.test(one)),
    seen().join(),
  );
});

test('clients that left, tunnels and other routes count for nothing', async () => {
  watch.use([route(availability)]);
  await run(
    60,
    counted(9, { shape: 'client_abort', end: 'truncated' }),
    counted(9, { statusClass: '1xx' }),
    counted(9, { route: '/', statusClass: '5xx' }),
  );
  assert.equal(watch.status().objectives[0]?.budgetLeft, 1);
});

for (const cause of ['maintenance', 'pause_timeout', 'pause_full'] as const)
  test(`requests that are refused by an operator (${cause}) use up no budget, and are no good ones either`, async () => {
    watch.use([route({ availability: 0.999, latency: { underMs: 500, share: 0.99 } })]);
    await run(60, counted(50, { statusClass: '5xx', end: 'generated', shape: 'refused_by_gateway', cause }, 9000));
    assert.deepEqual(
      watch.status().objectives.map(({ budgetLeft }) => budgetLeft),
      [1, 1],
    );
    // As good ones they would hide these failures.
    await run(5, counted(10_000, { statusClass: '5xx', cause }), counted(1), counted(1, { statusClass: '5xx' }));
    assert.deepEqual(seen(), ['route:/api burning fast']);
  });

test('slow responses miss an objective of latency, and failures do not', async () => {
  watch.use([route({ availability: null, latency: { underMs: 500, share: 0.99 } })]);
  await run(60, counted(90, {}, 400), counted(10, { statusClass: '5xx' }, 9000));
  assert.deepEqual(seen(), []);
  await run(12, counted(100, {}, 600));
  assert.deepEqual(seen(), ['route:/api burning fast']);
});

test('of streams and tunnels the time until their head counts, and not how long they live', async () => {
  watch.use([route({ availability: null, latency: { underMs: 500, share: 0.99 } })]);
  const { durations: heads } = counted(50, {}, 20);
  await run(60, counted(50, {}, 100), counted(50, { isLongLived: true, heads }, 76_000));
  assert.deepEqual([seen(), watch.status().objectives[0]?.budgetLeft], [[], 1]);
  const { durations: late } = counted(50, {}, 900);
  await run(30, counted(50, {}, 100), counted(50, { isLongLived: true, heads: late }, 76_000));
  assert.deepEqual(seen(), ['route:/api burning fast']);
});

test('a reload keeps the counts of objectives that stay, and ends what was reported of one that goes', async () => {
  watch.use([route(availability)]);
  await run(5, counted(10, { statusClass: '5xx' }));
  assert.equal(watch.status().objectives[0]?.burning, 'fast');
  watch.use([route(availability), route(availability, '/new')]);
  assert.deepEqual(
    watch.status().objectives.map(({ burning }) => burning),
    ['fast', null],
  );
  watch.use([]);
  assert.deepEqual([watch.status().objectives, seen().at(-1)], [[], 'route:/api removed null']);
});

test('budgets outlive the process, unless a successor counts already', async () => {
  watch.use([route(availability)]);
  await run(60, counted(95), counted(5, { statusClass: '5xx' }));
  const { budgetLeft } = watch.status().objectives[0] ?? { budgetLeft: 1 };
  assert.ok(budgetLeft < 1);
  await watch.close(true);
  const early = watched();
  early.use([route(availability)]);
  assert.ok((early.status().objectives[0]?.budgetLeft ?? 0) >= budgetLeft);
  await watch.close(false);
  const next = watched();
  next.use([route(availability)]);
  assert.equal(next.status().objectives[0]?.budgetLeft, budgetLeft);
});

test('a damaged file is as none', () => {
  for (const text of [
    '{',
    '[]',
    'null',
    '{"version":1,"objectives":{"a":{"since":"x","levels":[]}}}',
    '{"version":1,"objectives":{"a":{"since":1,"levels":[[[1,2]]]}}}',
  ]) {
    writeFileSync(join(folder, 'slo.json'), text);
    assert.deepEqual(new SloFile(folder).read(), {}, text);
  }
});
