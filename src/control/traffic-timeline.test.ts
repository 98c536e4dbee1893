import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../core/time.ts';
import { routeTimelinesOf, timelineOf } from './traffic-timeline.ts';

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

test('routes have the requests and errors of each step that has ended, also of steps without requests', () => {
  const clock = { now: () => 100_000 as Instant, wallTime: () => minute + 25_000 };
  const history = {
    has: (key: string) => key !== 'route:/quiet',
    steps: (key: string) =>
      key === 'route:/cart' ? [{ startedAt: 75_000 as Instant, ...step, requests: 9, errors: 2 }] : [],
  };
  const request = { since: minute - 10_000, until: minute + 25_000, stepS: 10 };
  assert.deepEqual(routeTimelinesOf(request, ['/cart', '/quiet', '/'], history, clock as never), {
    stepS: 10,
    since: '2026-11-24T12:41:50.000Z',
    routes: [
      { id: '/cart', requests: [0, 9, 0], errors: [0, 2, 0] },
      { id: '/', requests: [0, 0, 0], errors: [0, 0, 0] },
    ],
  });
});
