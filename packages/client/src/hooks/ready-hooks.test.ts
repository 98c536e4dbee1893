import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import type { FetchFunction } from '../fetch-options.ts';
import { createFetch } from '../main.ts';
import { readSignature } from '../signatures/read-signature.ts';
import { systemClientRandom } from '../system.ts';
import { joinHooks, logHooks, spanEventHooks, webhookHooks } from './ready-hooks.ts';

const random = { ...systemClientRandom, next: () => 0 };
/** An Envoy without an endpoint. */
const unavailable: FetchFunction = () =>
  Promise.resolve(new Response('no healthy upstream', { status: 503, headers: { server: 'envoy' } }));
const withoutBackoff = { random, classify: readSignature, fetch: unavailable } as const;

describe('hooks that are ready', async () => {
  const received: { kind: string; failures?: number; to?: string }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      received.push(JSON.parse(text) as (typeof received)[number]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`;

  it('log what was retried, and why, in one line each', async () => {
    const lines: string[] = [];
    const log = { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) };
    const fetch = createFetch({
      ...withoutBackoff,
      retry: { attemptsMax: 2 },
      hooks: { ...logHooks(log), failuresInRow: 1 },
    });
    await fetch('https://shop.example/orders?token=secret');
    assert.deepEqual(lines, [
      'GET https://shop.example/orders: attempt 1 failed (envoy, 503, refused_by_gateway, no_endpoint_ready); the next follows in 0 ms, since idempotent',
      '1 calls to https://shop.example have failed in a row; the last one: envoy, 503, refused_by_gateway, no_endpoint_ready',
    ]);
  });

  it('post rows of failures and changes of a breaker', async () => {
    const hooks = { ...webhookHooks(url), failuresInRow: 1 };
    const fetch = createFetch({ ...withoutBackoff, retry: false, breaker: { failuresInRow: 1, waitMs: 0 }, hooks });
    await fetch('https://shop.example/');
    while (received.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.deepEqual(received.map(({ kind, failures, to }) => `${kind} ${failures ?? to}`).toSorted(), [
      'breaker open',
      'failures 1',
    ]);
  });

  it('give up messages that are not accepted, and tell so', async () => {
    const errors: unknown[] = [];
    const failed = (error: unknown): void => void errors.push(error);
    const hooks = { ...webhookHooks(url, { fetch: unavailable, failed }), failuresInRow: 1 };
    await createFetch({ ...withoutBackoff, retry: false, breaker: false, hooks })('https://shop.example/');
    while (errors.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.match(String(errors[0]), /the webhook answered 503/);
  });

  it('hold only a few messages for a webhook that does not answer', () => {
    const errors: unknown[] = [];
    const silent: FetchFunction = () => new Promise(() => {});
    const { failures } = webhookHooks(url, { fetch: silent, failed: (error) => errors.push(error) });
    for (let at = 0; at < 6; at++) failures?.({} as never);
    assert.equal(errors.length, 2);
  });

  it('add events to the span that is active', async () => {
    const events: [string, Record<string, string | number>][] = [];
    const span = { addEvent: (...event: (typeof events)[number]) => void events.push(event) };
    const hooks = spanEventHooks({ getActiveSpan: () => span });
    await createFetch({ ...withoutBackoff, retry: { attemptsMax: 2 }, hooks })('https://shop.example/a');
    assert.equal(events.length, 1);
    assert.equal(events[0]?.[0], 'http.client.retry');
    assert.deepEqual(
      [events[0]?.[1]['candor.gateway'], events[0]?.[1]['http.request.resend_count'], events[0]?.[1]['url.full']],
      ['envoy', 1, 'https://shop.example/a'],
    );
  });

  it('are all called, even behind one that throws', async () => {
    const seen: number[] = [];
    const failing = {
      retry: () => {
        throw new Error('broken');
      },
    };
    const joined = joinHooks(failing, { retry: () => void seen.push(2), failuresInRow: 3 });
    await assert.rejects(async () => joined.retry?.({} as never), /broken/);
    assert.deepEqual([seen, joined.failuresInRow], [[2], 3]);
  });
});
