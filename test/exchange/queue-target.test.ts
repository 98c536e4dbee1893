import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Deadlines } from '../../src/core/deadline.ts';
import type { ConcurrencySpec } from '../../src/core/upstream-spec.ts';
import { RequestBound, WaitingTurn } from '../../src/features/concurrency/worker-bound.ts';
import { SharedCounts } from '../../src/limits/shared-counts.ts';
import { WorkerSemaphores } from '../../src/limits/worker-semaphores.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import * as fc from '../properties.ts';

interface Load {
  readonly permits: number;
  readonly tookMs: number;
  /** Requests that come each millisecond, by the time. */
  readonly perMs: (atMs: number) => number;
  readonly lastsMs: number;
  /** Null: none. */
  readonly targetMs: number | null;
}

interface Served {
  readonly atMs: number;
  readonly waitedMs: number;
}

/** What a bound makes of a load, in simulated time. */
function play({ permits, tookMs, perMs, lastsMs, targetMs }: Load): { served: Served[]; refused: Served[] } {
  const clock = new SimulatedClock();
  const sizes = { workersMax: 1, endpointsMax: 1, boundsMax: 1, addressesMax: 16 };
  const shared = new SharedCounts(sizes, clock, new SeededRandom(1));
  const handle = shared.allocateBound('upstream app') ?? assert.fail('a new table has room');
  const seat = new WorkerSemaphores(shared.memory, shared.claimWorkerIndex() ?? 0, clock);
  const target = targetMs === null ? {} : { queueTargetMs: targetMs };
  const spec: ConcurrencySpec = {
    ...{ requestsMax: permits, adaptive: false, queueMax: 100_000, queueMs: 60_000 },
    ...target,
  };
  const ports = { clock, deadlines: new Deadlines(clock), random: new SeededRandom(2) };
  const bound = new RequestBound('upstream app', spec, (onAvailable) => seat.bound(handle, onAvailable), ports);
  const served: Served[] = [];
  const refused: Served[] = [];
  const ends: number[] = [];
  const begin = clock.now();
  const now = (): number => clock.now() - begin;
  const enter = (): void => {
    const came = now();
    const serve = (): void => {
      served.push({ atMs: now(), waitedMs: now() - came });
      ends.push(now() + tookMs);
    };
    const refuse = (): void => void refused.push({ atMs: now(), waitedMs: now() - came });
    const result = bound.enter({ onTurn: serve, onNoTurn: refuse }, 'normal', Infinity);
    if (result === 'admitted') serve();
    else if (!(result instanceof WaitingTurn)) refuse();
  };
  let due = 0;
  while (now() < lastsMs) {
    for (due += perMs(now()); due >= 1; due--) enter();
    clock.advanceSync(1);
    while ((ends[0] ?? Infinity) <= now()) {
      ends.shift();
      bound.leave();
    }
  }
  return { served, refused };
}

const setting = fc.record({
  permits: fc.integer({ min: 2, max: 8 }),
  tookMs: fc.integer({ min: 20, max: 80 }),
  targetMs: fc.integer({ min: 40, max: 150 }),
});

describe('a bound with queue_target', () => {
  it('serves what it can and within two targets, whatever more comes for however long', () => {
    fc.assert(
      fc.property(setting, fc.double({ min: 1.3, max: 4, noNaN: true }), (some, times) => {
        const perMs = some.permits / some.tookMs;
        // Within two intervals the queue counts as one that stands.
        const settledMs = 25 * some.targetMs;
        const lastsMs = settledMs + 2000;
        const { served } = play({ ...some, perMs: () => times * perMs, lastsMs });
        const later = served.filter(({ atMs }) => atMs >= settledMs);
        const longest = Math.max(...later.map(({ waitedMs }) => waitedMs));
        assert.ok(longest <= 2 * some.targetMs + 2, `one has waited ${longest} ms`);
        assert.ok(later.length >= 0.9 * perMs * 2000, `${later.length} served of ${perMs * 2000} that could be`);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses nothing of a burst that is worked off within an interval, however long its requests wait', () => {
    fc.assert(
      fc.property(setting, fc.double({ min: 0.2, max: 0.7, noNaN: true }), (some, times) => {
        const perMs = some.permits / some.tookMs;
        // What is left beside the usual load works it off in three quarters of an interval.
        const burst = 0.75 * 10 * some.targetMs * (1 - times) * perMs;
        const load = (atMs: number): number => times * perMs + (atMs === 500 ? burst : 0);
        const { refused } = play({ ...some, perMs: load, lastsMs: 500 + 30 * some.targetMs });
        assert.deepEqual(refused, []);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses nothing any more once less comes', () => {
    const load = { permits: 4, tookMs: 40, targetMs: 50, lastsMs: 8000 };
    const { refused } = play({ ...load, perMs: (atMs) => (atMs < 4000 ? 0.3 : 0.09) });
    assert.ok(refused.some(({ atMs }) => atMs > 1000));
    assert.deepEqual(
      refused.filter(({ atMs }) => atMs > 4200),
      [],
    );
  });

  it('keeps a queue short that would stand for as long as the load lasts', () => {
    const load = { permits: 4, tookMs: 40, perMs: () => 0.15, lastsMs: 8000 };
    const waits = (targetMs: number | null): number =>
      Math.max(...play({ ...load, targetMs }).served.flatMap(({ atMs, waitedMs }) => (atMs > 6000 ? waitedMs : [])));
    assert.ok(waits(null) > 2000);
    assert.ok(waits(50) <= 102);
  });
});
