import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointId, EndpointState, UpstreamId } from '../core/endpoint.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Instant } from '../core/time.ts';
import { EndpointSince } from './endpoint-since.ts';

const upstream = 'app' as UpstreamId;

function endpoint(state: EndpointState, sinceInstant: number): EndpointSnapshot {
  const address = { kind: 'tcp', host: 'a', port: 80 } as const;
  const id = 'app/a' as EndpointId;
  return { id, address, state, reason: '', sinceInstant, checks: null, release: null, exit: null };
}

type Step = readonly [at: number, state: EndpointState, own: number, expected: number];

const cases: readonly [what: string, steps: readonly Step[]][] = [
  ['counts from its own time at first', [[5000, 'healthy', 1000, 1000]]],
  [
    'is healthy since its ejection has ended',
    [
      [1000, 'healthy', 1000, 1000],
      [2000, 'ejected', 2000, 2000],
      [3000, 'probation', 3000, 3000],
      [4000, 'healthy', 1000, 4000],
      [5000, 'healthy', 1000, 4000],
    ],
  ],
  [
    'is healthy since an operator has ended its drain',
    [
      [1000, 'healthy', 1000, 1000],
      [2000, 'draining', 2000, 2000],
      [9000, 'healthy', 1000, 9000],
    ],
  ],
  [
    'is ejected anew',
    [
      [1000, 'ejected', 1000, 1000],
      [2000, 'ejected', 2000, 2000],
    ],
  ],
];

for (const [what, steps] of cases)
  test(`an endpoint ${what}`, () => {
    const times = new EndpointSince();
    for (const [at, state, own, expected] of steps) {
      const endpoints = [endpoint(state, own)];
      times.note(upstream, endpoints, at as Instant);
      assert.equal(times.adjust(upstream, endpoints)[0]?.sinceInstant, expected);
    }
  });

test('states that `note` has not told of yet keep their own times', () => {
  const times = new EndpointSince();
  times.note(upstream, [endpoint('ejected', 9000)], 9000 as Instant);
  assert.equal(times.adjust(upstream, [endpoint('healthy', 1000)])[0]?.sinceInstant, 1000);
  times.keepOnly([]);
  assert.equal(times.adjust(upstream, [endpoint('ejected', 1000)])[0]?.sinceInstant, 1000);
});
