import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventJson } from '../core/event-json.ts';
import type { TimelineJson } from './model.ts';
import { markersOf, stackedColumns, timelineColumns, timelineTotals } from './timeline-series.ts';

const timeline: TimelineJson = {
  step_s: 10,
  since: '2026-01-01T12:00:00.000Z',
  until: '2026-01-01T12:00:40.000Z',
  steps: [
    { at: '2026-01-01T12:00:00.000Z', requests: 100, errors: 0, shapes: {}, p50_ms: 2, p99_ms: 9 },
    {
      at: '2026-01-01T12:00:20.000Z',
      requests: 50,
      errors: 12,
      shapes: { unreachable: 10, reset: 2 },
      p50_ms: 3,
      p99_ms: 700,
    },
  ],
};

test('steps that are left out had no request', () => {
  const { times, requestsPerS, p99Ms } = timelineColumns(timeline);
  assert.equal(times.length, 4);
  assert.deepEqual(requestsPerS, [10, 0, 5, 0]);
  assert.deepEqual(p99Ms, [9, null, 700, null]);
});

test('the step that goes on is not drawn as a drop to zero', () => {
  for (const [until, last] of [
    ['2026-01-01T12:00:30.000Z', '2026-01-01T12:00:20.000Z'],
    ['2026-01-01T12:00:39.900Z', '2026-01-01T12:00:20.000Z'],
    ['2026-01-01T12:00:40.100Z', '2026-01-01T12:00:30.000Z'],
  ] as const)
    assert.equal(timelineColumns({ ...timeline, until }).times.at(-1), Date.parse(last) / 1000, until);
});

test('shapes are stacked: each has the sum of itself and those before it', () => {
  const stacked = stackedColumns(timelineColumns(timeline));
  assert.deepEqual(
    [...stacked],
    [
      ['unreachable', [0, 0, 10, 0]],
      ['reset', [0, 0, 12, 0]],
    ],
  );
});

test('the totals are those of all steps', () => {
  const totals = timelineTotals(timeline);
  assert.deepEqual([totals.requests, totals.errors, totals.worstP99Ms], [150, 12, 700]);
  assert.deepEqual(
    [...totals.byShape],
    [
      ['unreachable', 10],
      ['reset', 2],
    ],
  );
  assert.equal(timelineTotals({ steps: [] }).worstP99Ms, null);
});

test('steps that begin between full seconds keep their time', () => {
  const shifted = {
    ...timeline,
    steps: timeline.steps.map((step) => ({ ...step, at: step.at.replace('.000Z', '.400Z') })),
  };
  const { times, requestsPerS } = timelineColumns(shifted);
  assert.deepEqual(requestsPerS, [10, 0, 5]);
  assert.equal(times[2], Date.parse('2026-01-01T12:00:20.400Z') / 1000);
});

test('a rollout is marked at each step, with the name of its release where it begins and where it fails', () => {
  const steps: readonly (readonly [from: string | null, to: string, label: string | null])[] = [
    [null, 'starting', 'r12'],
    ['starting', 'shifting', null],
    ['shifting', 'baking', null],
    ['baking', 'promoted', null],
    ['shifting', 'aborted', 'r12 aborted'],
    ['starting', 'refused', 'r12 refused'],
  ];
  for (const [from, to, label] of steps) {
    const evidence = { application: 'shop', rollout: 3, release: 'r12', before: 'r11', share: 0 };
    const event = {
      kind: 'rollout',
      at: timeline.since,
      subject: 'application:shop',
      from,
      to,
      reason: 'why',
      evidence,
    };
    assert.deepEqual(markersOf([event as unknown as EventJson]), [
      {
        ...{ kind: 'release', at: Date.parse(timeline.since), subject: 'application shop', text: 'why' },
        ...{ label, link: '#/releases/shop' },
      },
    ]);
  }
});
