import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { refusingAddress, type UnreachableAddress } from '../../../src/testing/unreachable-address.ts';
import { GatewayError } from './gateway-error.ts';
import { createFetch } from './resilient-fetch.ts';
import { failureOf } from './resilient-call.ts';

/** Real sockets and the platform's fetch: it alone knows how it follows redirects. */
let nothing: UnreachableAddress;
let url: string;
let sent: { readonly call: string; readonly headers: IncomingHttpHeaders; readonly body: string }[];

const notSent = JSON.stringify({ shape: 'unreachable', cause: 'connect_refused', delivery: 'not_sent' });

/** `/303/ok` redirects to `/ok`; `other` stands for the same server under another name, and so for another origin. */
const server = createServer((request, response) => void reply(request, response));

async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const bytes of request) body += (bytes as Buffer).toString();
  const { method, headers } = request;
  const [, status = '', target = ''] = (request.url ?? '').split('/');
  sent.push({ call: `${method} ${request.url}`, headers, body });
  const location = {
    nothing: `http://${nothing.host}:${nothing.port}/`,
    other: `${url.replace('127.0.0.1', 'localhost')}/ok`,
  };
  if (/^30\d$/.test(status))
    response.writeHead(Number(status), { location: location[target as 'nothing'] ?? `/${target}` }).end();
  else if (status === 'busy') response.writeHead(503, { 'content-type': 'application/problem+json' }).end(notSent);
  else response.end(body);
}

before(async () => {
  nothing = await refusingAddress();
  server.listen(0);
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await nothing.close();
});
beforeEach(() => (sent = []));

const post = (path: string, init: RequestInit = {}): Promise<Response> =>
  createFetch({ retry: { baseMs: 1 } })(url + path, { method: 'POST', body: 'order', ...init });
const calls = (): string[] => sent.map(({ call }) => call);

describe('a POST that is redirected', () => {
  test('has been executed, although nothing listens where it is sent', async () => {
    const error: unknown = await post('/302/nothing').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof GatewayError);
    assert.deepEqual(
      [error.cause, error.delivery, error.mayHaveBeenExecuted],
      ['connect_refused', 'sent_unknown', true],
    );
    assert.deepEqual(calls(), ['POST /302/nothing']);
  });

  test('has been executed, although a gateway says that it was not', async () => {
    const response = await post('/303/busy');
    assert.deepEqual([response.status, failureOf(response)?.mayHaveBeenExecuted], [503, true]);
    assert.deepEqual(calls(), ['POST /303/busy', 'GET /busy']);
  });

  for (const [status, next] of [
    [301, 'GET /ok'],
    [302, 'GET /ok'],
    [303, 'GET /ok'],
    [307, 'POST /ok'],
    [308, 'POST /ok'],
  ] as const)
    test(`by ${status} is followed as fetch does it`, async () => {
      const response = await post(`/${status}/ok`);
      assert.deepEqual([response.url, response.redirected], [`${url}/ok`, true]);
      assert.equal(await response.text(), next === 'POST /ok' ? 'order' : '');
      assert.deepEqual(calls(), [`POST /${status}/ok`, next]);
      assert.equal(sent[1]?.headers['content-type'] === undefined, next === 'GET /ok');
    });

  test('to another origin gives it no credentials', async () => {
    const headers = { authorization: 'Bearer a', cookie: 'b', 'x-kept': 'c' };
    await post('/307/other', { headers });
    const [first, second] = sent.map(({ headers }) => [headers.authorization, headers.cookie, headers['x-kept']]);
    assert.deepEqual(
      [first, second],
      [
        ['Bearer a', 'b', 'c'],
        [undefined, undefined, 'c'],
      ],
    );
  });

  test('is not followed where the caller does not want it', async () => {
    assert.equal((await post('/302/ok', { redirect: 'manual' })).status, 302);
    await assert.rejects(post('/302/ok', { redirect: 'error' }), GatewayError);
    assert.deepEqual(calls(), ['POST /302/ok', 'POST /302/ok']);
  });

  test('may be a Request', async () => {
    const request = new Request(`${url}/307/ok`, { method: 'POST', body: 'order', headers: { 'x-kept': 'c' } });
    assert.equal(await (await createFetch()(request)).text(), 'order');
    assert.deepEqual([calls(), sent[1]?.headers['x-kept']], [['POST /307/ok', 'POST /ok'], 'c']);
  });
});

test('a POST that was refused without a redirect is sent again', async () => {
  const error: unknown = await createFetch({ retry: { baseMs: 1 }, breaker: false })(
    `http://${nothing.host}:${nothing.port}/`,
    {
      method: 'POST',
    },
  ).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof GatewayError);
  assert.deepEqual([error.attempts > 1, error.mayHaveBeenExecuted], [true, false]);
});
