import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../core/time.ts';
import { timelineOf } from './traffic-timeline.ts';

const minute = Date.UTC(2026, 10, 24, 12, 42);
const step = { requests: 1, errors: 0, shapes: {}, p50Ms: null, p99Ms: null };

for (const [name, monotonic] of [
  ['a little early', 100_000.0004],
  ['a little late', 99_999.3],
] as const)
  test(`a step begins at a full step of the wall clock where the monotonic clock is read ${name}`, () => {
    const clock = { now: () => monotonic as Instant, wallTime: () => minute + 30_000 };
    const history = { steps: () => [{ startedAt: 70_000 as Instant, ...step }] };
    const request = { series: 'all', since: minute - 86_400_000, until: minute + 30_000, stepS: null } as const;
    const [shown] = timelineOf(request, history, clock as never).steps;
    assert.equal(shown?.at, '2026-11-24T12:42:00.000Z');
  });
