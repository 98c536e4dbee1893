import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answeredBetween, EndpointCount, SeenEndpoints } from './endpoint-count.ts';
import { UpstreamFailures } from './upstream-failures.ts';
import type { Cause } from '#failures/failure.ts';
import type { WatchedUpstream } from './watched-upstream.ts';

type Watched = WatchedUpstream['endpoints'][number];

const one = (
  state: string,
  reason: string,
  checkCause: Cause | null = null,
  advice: string | null = null,
): Watched => ({
  ...{ id: 'app/1', name: null, state, reason, checkCause, advice },
});
const well = one('healthy', 'answered 200');
const refused = one('unhealthy', 'connect refused', 'connect_refused');
const answers503 = one('unhealthy', 'answered 503');

describe('what was seen of an endpoint stays known', () => {
  const cases: readonly (readonly [name: string, seen: readonly Watched[], reason: string, cause: Cause | null])[] = [
    ['never unhealthy', [well, well], 'answered 200', null],
    ['unhealthy now', [well, answers503], 'answered 503', null],
    ['healthy again', [answers503, well], 'answered 503; later: answered 200', null],
    ['refused, then an answer', [refused, answers503], 'connect refused; later: answered 503', 'connect_refused'],
    ['an answer, then refused', [answers503, refused], 'connect refused', 'connect_refused'],
  ];
  for (const [name, seen, reason, cause] of cases)
    test(name, () => {
      const memory = new SeenEndpoints();
      const [last] = seen.map((endpoint) => memory.see({ application: null, endpoints: [endpoint] })).slice(-1);
      assert.deepEqual(
        last?.endpoints.map((endpoint) => [endpoint.reason, endpoint.checkCause]),
        [[reason, cause]],
      );
    });

  test('when it was removed, and its application with it', () => {
    const memory = new SeenEndpoints();
    memory.see({ application: 'web', endpoints: [refused] });
    const removed = { ...refused, isRemoved: true };
    assert.deepEqual(memory.see({ application: null, endpoints: [] }), { application: 'web', endpoints: [removed] });
  });

  test('as is what its health document said', () => {
    const memory = new SeenEndpoints();
    memory.see({ application: null, endpoints: [one('healthy', 'answered 200', null, 'the disk is full')] });
    assert.equal(memory.see({ application: null, endpoints: [well] }).endpoints[0]?.advice, 'the disk is full');
  });
});

/** Seconds of an endpoint, each with its responses in HTTP and those that were none. */
type Seconds = readonly (readonly [answered: number, notHttp: number])[];

function countOf(seconds: Seconds): EndpointCount {
  const count = new EndpointCount();
  for (const [answered, notHttp] of seconds)
    count.count({
      attempts: answered + notHttp,
      failed: notHttp,
      late: 0,
      changed: 0,
      answered,
      notHttp,
      invalid: notHttp,
    });
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
