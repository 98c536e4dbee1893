import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import { stageBoundsMs, type TimedStage } from '../core/attempt-counts.ts';
import { AttemptCounters } from './attempt-counters.ts';
import { sampleAttempt, sampleExchange } from './sample-exchange.test-support.ts';

const counted = (...exchanges: readonly EndedExchange[]): AttemptCounters => {
  const counters = new AttemptCounters();
  for (const exchange of exchanges) counters.count(exchange);
  return counters;
};
const withAttempt = (changes: Partial<AttemptFacts>, of: Partial<EndedExchange> = {}): EndedExchange =>
  sampleExchange({ ...of, attempts: [sampleAttempt(changes)] });

describe('responses are counted', () => {
  test('by endpoint, method and exact status, each attempt by itself', () => {
    const retried = sampleExchange({
      method: 'PUT',
      attempts: [
        sampleAttempt({ endpoint: 'shop/a', status: 503 }),
        sampleAttempt({ endpoint: 'shop/b', status: 201 }),
      ],
    });
    assert.deepEqual(counted(retried, retried, withAttempt({ endpoint: 'shop/a', status: 204 })).takeResponses(), [
      { upstream: 'shop', endpoint: 'shop/a', method: 'PUT', status: 503, count: 2 },
      { upstream: 'shop', endpoint: 'shop/a', method: 'GET', status: 204, count: 1 },
      { upstream: 'shop', endpoint: 'shop/b', method: 'PUT', status: 201, count: 2 },
    ]);
  });

  for (const [method, as] of [
    ['GET', 'GET'],
    ['PROPFIND', 'other'],
    ['get', 'other'],
    ['constructor', 'other'],
  ] as const)
    test(`${method} as ${as}`, () => {
      assert.equal(counted(withAttempt({}, { method })).takeResponses()[0]?.method, as);
    });

  for (const [status, as] of [
    [0, 0],
    [99, 0],
    [100, 100],
    [599, 599],
    [600, 600],
    [999, 999],
    [1000, 0],
  ] as const)
    test(`status ${status} as ${as}`, () => {
      assert.equal(counted(withAttempt({ status })).takeResponses()[0]?.status, as);
    });

  test('once: a second look has what came since the first', () => {
    const counters = counted(withAttempt({}));
    assert.equal(counters.takeResponses().length, 1);
    assert.deepEqual(counters.takeResponses(), []);
    counters.count(withAttempt({}));
    assert.equal(counters.takeResponses()[0]?.count, 1);
  });

  test('of more endpoints than the limit together', () => {
    const counters = new AttemptCounters();
    for (let n = 0; n < 2500; n += 1) counters.count(withAttempt({ endpoint: `shop/${n}` }));
    const responses = counters.takeResponses();
    assert.equal(responses.length, 2001);
    assert.equal(responses.find(({ endpoint }) => endpoint === '(other)')?.count, 500);
  });

  test('of thousands of endpoints that replace each other by their own names, and none is lost', () => {
    const counters = new AttemptCounters();
    let total = 0;
    for (let n = 0; n < 10_000; n += 1) {
      const exchange = withAttempt({ endpoint: `shop/${n}` }, { upstream: `u${n % 1000}` });
      counters.count(exchange);
      if (n % 100 !== 99) continue;
      for (const { endpoint, count } of counters.takeResponses()) {
        assert.notEqual(endpoint, '(other)');
        total += count;
      }
      for (const { upstream } of counters.takeStages()) assert.notEqual(upstream, '(other)');
    }
    assert.equal(total, 10_000);
  });
});

describe('the times of stages', () => {
  const full = {
    ...{ startedMs: 1, queuedMs: 3, dnsMs: 7, connectedMs: 15, tlsMs: 31, sentMs: 63, headMs: 127, endedMs: 255 },
  };
  const sums = (exchange: EndedExchange): Partial<Record<TimedStage, number>> =>
    Object.fromEntries(
      counted(exchange)
        .takeStages()
        .map(({ stage, sumMs }) => [stage, Math.round(sumMs * 1000) / 1000]),
    );

  test('begin where the one before has ended', () => {
    assert.deepEqual(sums(withAttempt(full)), {
      ...{ queue: 2, dns: 4, connect: 8, tls: 16, send: 32, wait: 64, body: 128, first_byte: 127 },
    });
  });

  test('that were not reached are not counted', () => {
    const kept = { ...full, queuedMs: -1, dnsMs: -1, connectedMs: -1, tlsMs: -1 };
    assert.deepEqual(sums(withAttempt(kept)), { send: 62, wait: 64, body: 128, first_byte: 127 });
    assert.deepEqual(sums(withAttempt({ ...kept, sentMs: -1, headMs: -1 })), {});
  });

  test('in a queue are all waits of the exchange, for the first attempt', () => {
    assert.equal(sums(withAttempt(full, { waitedMs: 100, turnMs: 10 })).queue, 112);
    assert.equal(sums(withAttempt({ ...full, queuedMs: -1 }, { turnMs: 10 })).queue, 10);
  });

  test('have the cell of the first bound that they do not exceed, and an exchange as its example', () => {
    const [wait] = counted(
      withAttempt({ ...full, sentMs: 63, headMs: 64 }, { id: 'first' }),
      withAttempt({ ...full, sentMs: 63, headMs: 64 }, { id: 'second' }),
    )
      .takeStages()
      .filter(({ stage }) => stage === 'wait');
    const cell = stageBoundsMs.indexOf(1);
    assert.deepEqual([wait?.cells[cell], wait?.cells.reduce((sum, one) => sum + one)], [2, 2]);
    assert.deepEqual([wait?.exemplars[cell]?.requestId, wait?.exemplars[cell]?.ms], ['first', 1]);
    assert.equal(wait?.exemplars.filter((one) => one !== null).length, 1);
  });
});
