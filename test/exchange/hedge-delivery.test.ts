import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attempt } from '../../src/exchange/attempt.ts';
import { Http1World } from './http1-world.ts';

describe('a hedged request', () => {
  it('counts as sent by its second attempt where the client leaves while the first one still connects', () => {
    const endpoints = ['a', 'b'];
    const world = new Http1World(
      { endpoints, retry: { attemptsMax: 3, hedge: true } },
      { pairOptions: () => ({ latencyMs: 5 }) },
    );
    for (const name of endpoints) world.endpoint(name).onRequest = (request) => request.answer(200);
    // Enough responses for a latency, from which the delay of the second attempt follows.
    for (let n = 0; n < 100; n++) {
      world.request({ target: `/${n}` });
      world.pass(50);
    }
    for (const name of endpoints) {
      // Its idle connections are gone, so that the next request must connect.
      world.endpoint(name).die('closed');
      world.endpoint(name).accepts = 'never';
    }
    world.pass(50);
    const client = world.request({ target: '/hedged' });
    world.pass(8);
    for (const name of endpoints) {
      const endpoint = world.endpoint(name);
      endpoint.accepts = 'yes';
      endpoint.onRequest = () => {};
    }
    world.pass(700);
    client.leave();
    world.pass(100);
    const record = world.records.at(-1) ?? assert.fail('the exchange is recorded');
    const deliveries = record.attempts.map((attempt) => (attempt as Attempt).delivery);
    assert.deepEqual(deliveries, ['not_sent', 'sent_unknown']);
    assert.deepEqual([record.endKind, record.delivery], ['abandoned', 'sent_unknown']);
  });
});
