import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import createClient from 'openapi-fetch';
import { createFetch, failureOf } from '../main.ts';
import { systemClientRandom } from '../system.ts';
import { PlayedOrigin } from './adapter-contract.test-support.ts';

/** What a generator makes of an OpenAPI document with one path. */
interface Paths {
  '/fault/played': {
    get: { responses: { 200: { content: { 'text/plain': string } } } };
    post: {
      requestBody: { content: { 'application/json': { item: string } } };
      responses: { 200: { content: { 'text/plain': string } } };
    };
  };
}

describe('a client that was generated from an OpenAPI document', async () => {
  const origin = new PlayedOrigin();
  await origin.start();
  after(() => origin.close());
  // Each case has a budget of its own.
  const open = () =>
    createClient<Paths>({
      baseUrl: origin.origin,
      fetch: createFetch({ random: { ...systemClientRandom, next: () => 0 } }),
    });

  it('asks again until a GET is answered', async () => {
    origin.play('busy', 'cut');
    const { data } = await open().GET('/fault/played', { parseAs: 'text' });
    assert.deepEqual([data, origin.requests.length], ['ok', 3]);
  });

  it('sends a POST again, with its whole body, if the gateway proves that it was not executed', async () => {
    origin.play('notSent');
    const { data } = await open().POST('/fault/played', { body: { item: 'tea' }, parseAs: 'text' });
    assert.deepEqual([data, origin.requests.map(({ bodyBytes }) => bodyBytes)], ['ok', [14, 14]]);
  });

  it('sends a POST once otherwise, and says whose the answer is', async () => {
    origin.play('nginx');
    const { response } = await open().POST('/fault/played', { body: { item: 'tea' }, parseAs: 'text' });
    assert.deepEqual([response.status, failureOf(response)?.status, origin.requests.length], [502, 502, 1]);
  });

  it('stops at once if the caller gives up', async () => {
    origin.play('asksForTenSeconds');
    const gone = new AbortController();
    const call = open().GET('/fault/played', { parseAs: 'text', signal: gone.signal });
    await origin.seen();
    gone.abort();
    await assert.rejects(call, { name: 'AbortError' });
    assert.equal(origin.requests.length, 1);
  });
});
