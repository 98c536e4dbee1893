import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { ExchangeCount } from '../core/counters.ts';
import type { Cause } from '#failures/failure.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { SimulatedClock } from '../testing/testing.ts';
import { FailureReport, type FailureSummary } from './failure-report.ts';

let clock: SimulatedClock;
let told: FailureSummary[];
let report: FailureReport;
beforeEach(() => {
  clock = new SimulatedClock();
  told = [];
  report = new FailureReport(clock, (summary) => void told.push(summary));
});

function attempts(cause: Cause, count: number, endpoint = 'app/a'): EndpointOutcomes {
  const causes = [{ cause, count }];
  return {
    upstream: 'app',
    endpoint,
    state: 'healthy',
    successes: 0,
    serverErrors: 0,
    rateLimited: 0,
    restMs: 0,
    failures: count,
    consecutiveFailures: 0,
    consecutiveUnreachable: 0,
    latencyMs: 0,
    causes,
  };
}

const exchanges = (cause: Cause, count: number, upstream = 'app', route = '/'): ExchangeCount =>
  ({ cause, count, upstream, route }) as ExchangeCount;

test('the first failure is reported at once, with its level and subject', () => {
  report.note([attempts('connect_refused', 1)], []);
  assert.deepEqual(told, [
    {
      cause: 'connect_refused',
      level: 'error',
      subject: 'endpoint:app/a',
      count: 1,
      withinMs: 0,
      reason: 'The application refused the connection',
    },
  ]);
});

test('the failures that follow are one line in ten seconds, with their number', async () => {
  for (let batch = 0; batch < 200; batch++) {
    report.note([attempts('connect_refused', 7)], []);
    await clock.advance(100);
  }
  assert.deepEqual(
    told.map(({ count, withinMs }) => [count, withinMs]),
    [
      [7, 0],
      [700, 10_000],
    ],
  );
  assert.equal(told[1]?.reason, 'The application refused the connection, 700 times within 10 s');
});

test('after ten seconds without a failure, the next one is reported at once', async () => {
  report.note([attempts('connect_refused', 1)], []);
  await clock.advance(10_000);
  report.note([], []);
  report.note([attempts('connect_refused', 1)], []);
  assert.equal(told.length, 2);
});

test('failures are summed up by cause and endpoint', () => {
  report.note([attempts('connect_refused', 1), attempts('connect_refused', 1, 'app/b')], []);
  report.note([attempts('response_head_timeout', 1)], []);
  assert.equal(told.length, 3);
});

test('a refusal by the gateway is reported for the upstream or route; levels below warn are not reported', () => {
  report.note([], [exchanges('no_endpoint_ready', 3), exchanges('loop_detected', 1, '')]);
  report.note([], [exchanges('no_route', 5, '', ''), exchanges('client_gone', 5), exchanges('request_refused', 5)]);
  assert.deepEqual(
    told.map(({ cause, level, subject, count }) => [cause, level, subject, count]),
    [
      ['no_endpoint_ready', 'error', 'upstream:app', 3],
      ['loop_detected', 'error', 'route:/', 1],
    ],
  );
});

test('a failure of an attempt is not reported again for its exchange', () => {
  report.note([attempts('connect_refused', 1)], [exchanges('connect_refused', 1)]);
  assert.equal(told.length, 1);
});

test('at most a thousand subjects are kept and reported', () => {
  for (let index = 0; index < 1500; index++) report.note([attempts('connect_refused', 1, `app/${index}`)], []);
  assert.equal(told.length, 1000);
});
