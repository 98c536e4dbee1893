import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { QueryClient } from '@tanstack/query-core';
import { GatewayError } from '../gateway-error.ts';
import { createFetch } from '../resilient-fetch.ts';
import { systemClientRandom } from '../system.ts';
import { PlayedOrigin } from './adapter-contract.test-support.ts';
import { callFailureOf, queryRetry } from './tanstack-query.ts';

const random = { ...systemClientRandom, next: () => 0 };

describe('TanStack Query with the client', async () => {
  const origin = new PlayedOrigin();
  await origin.start();
  after(() => origin.close());

  /** A query of its own each time. */
  function query(queryFn: () => Promise<string>, retry = queryRetry({ random })): Promise<string> {
    const client = new QueryClient();
    return client.fetchQuery({ queryKey: ['orders'], queryFn, gcTime: 0, ...retry });
  }

  it('asks again by a plain fetch that throws a response', async () => {
    origin.play('busy', 'cut');
    const text = await query(async () => {
      const response = await fetch(origin.url);
      if (!response.ok) throw Object.assign(new Error('failed'), { response });
      return response.text();
    });
    assert.deepEqual([text, origin.requests.length], ['ok', 3]);
  });

  it('never asks again before Retry-After', async () => {
    origin.play('asksForOneSecond');
    await query(async () => {
      const response = await fetch(origin.url);
      if (!response.ok) throw Object.assign(new Error('failed'), { response });
      return response.text();
    });
    const [first = 0, second = 0] = origin.times;
    assert.ok(second - first >= 1000, `${second - first} ms`);
  });

  it('does not begin again what the client has given up', async () => {
    origin.play('busy', 'busy', 'busy');
    const client = createFetch({ random, retry: { attemptsMax: 2 }, throwGatewayAnswers: true });
    const asked = query(async () => {
      const response = await client(origin.url);
      if (response.ok) return response.text();
      const failure = { ...(callFailureOf(response) ?? (await import('../network-failure.ts')).failureOfError(null)) };
      throw new GatewayError('busy', { failure, attempts: 2, retryReason: 'attempts_spent', response });
    });
    await assert.rejects(asked, GatewayError);
    assert.equal(origin.requests.length, 2);
  });

  it('takes up a wait that was too long for the call', () => {
    const { retry, retryDelay } = queryRetry({ random, overallMs: null });
    const failure = {
      ...({ writer: 'gateway', gateway: 'nginx', shape: null, cause: null, whose: null, proxyError: null } as const),
      ...({ delivery: 'sent_unknown', mayHaveBeenExecuted: true, status: 503, retryAfterMs: 60_000 } as const),
      ...{ temporary: true, requestId: null },
    };
    const late = new GatewayError('busy', { failure, attempts: 1, retryReason: 'no_time_left' });
    assert.equal(retry(0, late), true);
    assert.ok(retryDelay(0, late) >= 60_000);
    assert.equal(retry(2, late), false);
  });

  it('repeats no mutation that may have been executed', async () => {
    origin.play('busy');
    const { retry } = queryRetry({ random, idempotent: false });
    const response = await fetch(origin.url, { method: 'POST', body: 'a' });
    assert.equal(retry(0, Object.assign(new Error('failed'), { response })), false);
  });

  it('asks again a second later where what was thrown is no error', () => {
    for (const thrown of [null, undefined, 'busy', 7]) {
      const { retry, retryDelay } = queryRetry({ random });
      assert.deepEqual([retry(0, thrown), retryDelay(0, thrown)], [true, 1000]);
    }
  });

  it('takes an abort for the wish of the caller', () => {
    assert.equal(queryRetry({ random }).retry(0, new DOMException('gone', 'AbortError')), false);
  });
});
