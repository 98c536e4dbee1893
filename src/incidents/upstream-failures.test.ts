import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExchangeCount } from '../core/counters.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { UpstreamFailures } from './upstream-failures.ts';

/** `foundS`: so long after the second it is asked for. */
function rateBefore(second: number, requestsAt: (second: number) => number, foundS = 0): number | null {
  const failures = new UpstreamFailures('app', 0);
  for (let one = 0; one < second + foundS; one++) {
    const count = requestsAt(one);
    if (count > 0)
      failures.addExchanges(
        {
          ...{ upstream: 'app', route: '/', cause: 'none', shape: 'none', count, durations: [] },
        } as unknown as ExchangeCount,
        one,
      );
    failures.forget(one, true);
  }
  const rate = failures.requests.rateBefore(second);
  return rate === null ? null : Math.round(rate * 100) / 100;
}

describe('the rate before an incident', () => {
  const cases: readonly (readonly [what: string, second: number, (second: number) => number, rate: number | null])[] = [
    ['is the mean of the minutes before', 400, () => 16, 16],
    ['is not known where requests began a moment before', 100, (second) => (second >= 92 ? 16 : 0), null],
    ['is that of the time in which requests came', 200, (second) => (second >= 160 ? 16 : 0), 16],
    ['leaves a pause out', 300, (second) => (second >= 100 && second < 240 ? 0 : 16), 16],
    [
      'has the seconds without a request in it where they come seldom',
      300,
      (second) => (second % 4 === 0 ? 1 : 0),
      0.25,
    ],
    ['is not known where no request came', 300, () => 0, null],
  ];
  for (const [what, second, requestsAt, rate] of cases)
    test(what, () => assert.equal(rateBefore(second, requestsAt), rate));

  for (const start of [250, 400, 3000])
    test(`is not that of the incident, which is found 55 s after its start at ${start} s`, () =>
      assert.equal(
        rateBefore(start, (second) => (second < start ? 16 : 90), 55),
        16,
      ));
});

test('the longest request that was usual is known, and one of an incident is none', () => {
  const failures = new UpstreamFailures('app', 0);
  const labels = { upstream: 'app', route: '/', cause: 'none', shape: 'none', count: 1, durations: [1] };
  const answeredAt = (second: number, durationMsMax: number): void =>
    failures.addExchanges({ ...labels, durationMsMax } as unknown as ExchangeCount, second);
  const pass = (from: number, until: number, isUsual: boolean): void => {
    for (let second = from; second < until; second++) failures.forget(second, isUsual);
  };
  answeredAt(0, 41.2);
  answeredAt(5, 17);
  pass(0, 100, true);
  assert.equal(failures.durations.maxMs, 41.2);
  answeredAt(100, 5000);
  pass(100, 110, false);
  pass(110, 200, true);
  assert.equal(failures.durations.maxMs, 41.2);
});

test('an attempt that never got a connection is none of its endpoint', () => {
  const failures = new UpstreamFailures('app', 0);
  const outcomes = { upstream: 'app', endpoint: 'app/1', state: 'healthy', serverErrors: 0 };
  failures.addOutcomes(
    {
      ...outcomes,
      successes: 2,
      causes: [
        { cause: 'queue_timeout', count: 7 },
        { cause: 'pool_full', count: 5 },
        { cause: 'response_head_timeout', count: 3 },
      ],
    } as unknown as EndpointOutcomes,
    1,
  );
  failures.addOutcomes(
    { ...outcomes, successes: 0, causes: [{ cause: 'pool_full', count: 5 }] } as unknown as EndpointOutcomes,
    2,
  );
  assert.deepEqual(
    failures.endpointDeltas.map(({ second, attempts, failed }) => [second, attempts, failed]),
    [[1, 5, 3]],
  );
});

test('how long connections are in use is the mean of the answered attempts of the last seconds', () => {
  const failures = new UpstreamFailures('app', 0);
  const outcomes = { upstream: 'app', endpoint: 'app/1', serverErrors: 0, causes: [] } as unknown as EndpointOutcomes;
  failures.addOutcomes({ ...outcomes, successes: 2, heldMs: 20 }, 1);
  failures.addOutcomes({ ...outcomes, successes: 2, heldMs: 4000 }, 40);
  assert.equal(failures.held(41, 30), null);
  failures.addOutcomes({ ...outcomes, successes: 1, heldMs: 3500 }, 41);
  assert.deepEqual(failures.held(41, 30), { meanMs: 2500, perS: 0.1 });
});
