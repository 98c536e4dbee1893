import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndedExchange } from '../core/exchange.ts';
import type { Instant } from '../core/time.ts';
import { ClientRetries } from './client-retries.ts';
import { ExchangeCounters } from './counters.ts';
import { sampleClient, sampleExchange } from './sample-exchange.test-support.ts';

const at = (ms: number, changes: Partial<EndedExchange> = {}, address = '192.0.2.1'): EndedExchange =>
  sampleExchange({
    ...{ startedAt: ms as Instant, endedAt: (ms + 10) as Instant, client: sampleClient({ address }), target: '/cart' },
    ...changes,
  });

describe('a retry of a client', () => {
  const retried = (second: EndedExchange): boolean => {
    const retries = new ClientRetries();
    assert.equal(retries.isRetry(at(1000)), false, 'nothing has failed yet');
    retries.noteFailed(at(1000));
    return retries.isRetry(second);
  };

  test('is the same request of the same address, soon after the first has failed', () => {
    assert.equal(retried(at(1010)), true);
    assert.equal(retried(at(6010)), true);
    assert.equal(retried(at(6011)), false);
  });
  test('begins after the failure: requests beside each other are none', () => assert.equal(retried(at(1009)), false));
  test('may last long', () => assert.equal(retried(at(2000, { endedAt: 90_000 as Instant })), true));
  test('has the same target, method, route and address', () => {
    assert.equal(retried(at(1100, { target: '/cart?page=2' })), false);
    assert.equal(retried(at(1100, { method: 'HEAD' })), false);
    assert.equal(retried(at(1100, { route: 'other' })), false);
    assert.equal(retried(at(1100, {}, '192.0.2.2')), false);
  });
  test('follows each failure once', () => {
    const retries = new ClientRetries();
    for (const failed of [at(0), at(5), at(100, { target: '/' })]) retries.noteFailed(failed);
    assert.deepEqual(
      [200, 210, 220].map((ms) => retries.isRetry(at(ms))),
      [true, true, false],
    );
  });
});

test('of many failed requests the oldest are forgotten', () => {
  const retries = new ClientRetries();
  for (let n = 0; n < 5000; n++) retries.noteFailed(at(0, { target: `/${n}` }));
  const known = Array.from({ length: 5000 }, (_, n) => retries.isRetry(at(100, { target: `/${n}` })));
  assert.equal(known.filter((is) => is).length, 4096);
  assert.equal(known.lastIndexOf(false), 903);
});

test('a worker counts retries, whether they succeed or fail, and not what follows a success', () => {
  const counters = new ExchangeCounters();
  const error = { statusReceived: 500, statusSent: 500 };
  for (const exchange of [at(0), at(100, error), at(200, error), at(300), at(400)]) counters.count(exchange);
  const told = (): object =>
    Object.fromEntries(counters.takeDelta().map(({ shape, count, clientRetries }) => [shape, [count, clientRetries]]));
  assert.deepEqual(told(), { none: [3, 1], app_error: [2, 1] });
  counters.count(at(500));
  assert.deepEqual(told(), { none: [1, 0] }, 'the delta begins anew');
});

test('who left without an answer may come again for it; who broke a download off has not failed', () => {
  const retriedAfter = (statusSent: number): number | undefined => {
    const counters = new ExchangeCounters();
    counters.count(at(0, { endKind: 'abandoned', statusSent }));
    counters.count(at(100));
    return counters.takeDelta().find(({ shape }) => shape === 'none')?.clientRetries;
  };
  assert.equal(retriedAfter(0), 1);
  assert.equal(retriedAfter(200), 0);
});
