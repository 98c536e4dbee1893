import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answeredBetween, EndpointCount } from './endpoint-count.ts';
import { UpstreamFailures } from './upstream-failures.ts';

/** Seconds of an endpoint, each with its responses in HTTP and those that were none. */
type Seconds = readonly (readonly [answered: number, notHttp: number])[];

function countOf(seconds: Seconds): EndpointCount {
  const count = new EndpointCount();
  for (const [answered, notHttp] of seconds)
    count.count({ attempts: answered + notHttp, failed: notHttp, answered, notHttp, invalid: notHttp });
  return count;
}

const cases: readonly (readonly [what: string, Seconds, between: number | null])[] = [
  ['nothing but HTTP', [[9, 0]], null],
  [
    'another program from some moment on',
    [
      [9, 0],
      [5, 4],
      [0, 9],
      [0, 9],
    ],
    null,
  ],
  [
    'another program for a while',
    [
      [5, 4],
      [0, 9],
      [3, 2],
      [9, 0],
    ],
    null,
  ],
  [
    'responses that were on their way when another program came',
    [
      [0, 40],
      [1, 40],
      [0, 40],
    ],
    null,
  ],
  [
    'both in the same seconds',
    [
      [5, 4],
      [6, 3],
      [7, 2],
    ],
    6,
  ],
  [
    'as many in HTTP as others since these began, in two seconds',
    [
      [8, 3],
      [10, 4],
    ],
    10,
  ],
  [
    'both by turns',
    [
      [0, 1],
      [4, 0],
      [0, 1],
    ],
    4,
  ],
];

describe('an endpoint is said to answer in HTTP as well where it has done so between responses that are none', () => {
  for (const [what, seconds, between] of cases)
    test(what, () => assert.equal(answeredBetween([countOf(seconds)], 'notHttp'), between));

  const other = countOf([
    [0, 9],
    [0, 9],
  ]);
  const mixed = countOf([
    [0, 9],
    [30, 9],
    [0, 9],
  ]);
  test('of several endpoints, where most of the responses that are no HTTP are theirs', () => {
    assert.equal(answeredBetween([other, mixed], 'notHttp'), 30);
    assert.equal(answeredBetween([other, other, mixed], 'notHttp'), null);
  });

  test('and of two incidents that become one', () => {
    const both = new EndpointCount();
    both.add(mixed);
    assert.deepEqual([both.attempts, both.failed, answeredBetween([both], 'notHttp')], [57, 27, 30]);
  });
});

test('what came within a second is told apart by the reports of workers', () => {
  const failures = new UpstreamFailures('app', 0);
  const report = (successes: number, notHttp: number): void =>
    failures.addOutcomes(
      {
        ...{ upstream: 'app', endpoint: 'app/1', state: 'healthy', successes, failures: notHttp, serverErrors: 0 },
        ...{ rateLimited: 0, restMs: 0, consecutiveFailures: 0, consecutiveUnreachable: 0, latencyMs: 0 },
        causes: notHttp === 0 ? [] : [{ cause: 'response_not_http', count: notHttp }],
      },
      7,
    );
  const counted = (): EndpointCount => {
    const count = new EndpointCount();
    for (const delta of failures.endpointDeltas) count.count(delta);
    return count;
  };
  report(5, 0);
  report(5, 0);
  report(3, 4);
  assert.deepEqual([failures.endpointDeltas.length, answeredBetween([counted()], 'notHttp')], [2, null]);
  report(2, 0);
  report(4, 2);
  assert.deepEqual([answeredBetween([counted()], 'notHttp'), counted().attempts, counted().failed], [2, 25, 6]);
  for (let more = 0; more < 5000; more++) report(1, 1);
  assert.ok(failures.endpointDeltas.length <= 1000);
  assert.deepEqual([counted().attempts, counted().failed], [10_025, 5006]);
});
