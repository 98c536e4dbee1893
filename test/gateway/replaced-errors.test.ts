import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { after, before, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// Pages of the configuration in place of what an application answers with an error.

let origin: RawOrigin;
let edge: YamlGateway;

before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(
    `
upstreams: { app: "${origin.address}" }
application_error_pages: { 404: 404.html, 5xx: 5xx.html }
routes:
  - { path: /shop, to: app, application_error_pages: { 404: shop.html } }
  - { path: /own, respond: { status: 404, body: own, content_type: text/html } }
  - { path: /, to: app }
`,
    {
      files: {
        '404.html': '<p>{{status}} {{title}} {{request_id}}',
        '5xx.html': '<p>sorry {{detail}}',
        'shop.html': '<p>no such thing',
      },
    },
  );
});
after(() => edge.stop());
after(() => origin.close());

const browser = 'Accept: text/html,application/xhtml+xml,*/*;q=0.8';
const html = 'Content-Type: text/html';

function answer(status: string, headers: readonly string[], body: string | Buffer = 'its own'): Buffer {
  const head = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${body.length}`, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

type Case = readonly [what: string, method: string, path: string, accept: string, answer: Buffer, body: RegExp | null];

const chunked = `HTTP/1.1 503 Busy\r\n${html}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nits\r\n4\r\n own\r\n0\r\n\r\n`;

const cases: readonly Case[] = [
  [
    'a page that is not there',
    'GET',
    '/',
    browser,
    answer('404 Not Found', [html]),
    /^<p>404 Not Found [0-9a-f-]{36}$/,
  ],
  ['an answer without a body', 'GET', '/', browser, answer('404 Not Found', [], ''), /^<p>404/],
  ['a failure', 'GET', '/', browser, answer('500 Oops', [html]), /^<p>sorry The application answered 500 Internal/],
  ['a chunked failure', 'GET', '/', browser, Buffer.from(chunked), /^<p>sorry/],
  [
    'a compressed failure',
    'GET',
    '/',
    browser,
    answer('500 Oops', [html, 'Content-Encoding: gzip', 'ETag: "a"'], gzipSync('its own')),
    /^<p>sorry/,
  ],
  ['a POST', 'POST', '/', browser, answer('500 Oops', ['Content-Type: text/plain']), /^<p>sorry/],
  ['a route with a page of its own', 'GET', '/shop', browser, answer('404 Not Found', [html]), /^<p>no such thing$/],
  [
    'a route with the pages of the file beside it',
    'GET',
    '/shop',
    browser,
    answer('502 Bad Gateway', [html]),
    /^<p>sorry/,
  ],
  ['another status', 'GET', '/', browser, answer('403 Forbidden', [html]), null],
  ['a success', 'GET', '/', browser, answer('200 OK', [html]), null],
  ['JSON', 'GET', '/', browser, answer('404 Not Found', ['Content-Type: application/json']), null],
  ['an event stream', 'GET', '/', browser, answer('500 Oops', ['Content-Type: text/event-stream']), null],
  ['what is not to be held', 'GET', '/', browser, answer('500 Oops', [html, 'X-Accel-Buffering: no']), null],
  ['a program', 'GET', '/', 'Accept: */*', answer('404 Not Found', [html]), null],
  ['a program that wants JSON', 'GET', '/', 'Accept: application/json', answer('404 Not Found', [html]), null],
  ['HEAD', 'HEAD', '/', browser, answer('404 Not Found', [html], ''), null],
];

describe('in place of the body of an application', () => {
  for (const [what, method, path, accept, bytes, body] of cases)
    test(`${what} ${body === null ? 'stays' : 'is a page'}`, async () => {
      origin.answer = () => bytes;
      const length = method === 'POST' ? ['Content-Length: 0'] : [];
      const response = await edge.send(requestText(method, path, [accept, ...length]));
      assert.equal(response.status, Number(bytes.toString('latin1', 9, 12)));
      const record = await edge.record(response);
      assert.equal(record.page_replaced ?? false, body !== null);
      if (body === null) return assert.equal(response.body.toString(), method === 'HEAD' ? '' : 'its own');
      assert.match(response.body.toString(), body);
      assert.deepEqual(
        ['content-type', 'content-encoding', 'etag', 'content-length'].map((name) => headerOf(response, name)),
        ['text/html; charset=utf-8', null, null, String(response.body.length)],
      );
      assert.equal(record.received_status, response.status);
    });

  test('the next request has the same connection to the application', async () => {
    origin.answer = () => answer('404 Not Found', [html], 'x'.repeat(300_000));
    const { connections } = origin;
    for (const _ of [1, 2, 3]) assert.match((await edge.get('/', [browser])).body.toString(), /^<p>404/);
    assert.ok(origin.connections <= connections + 1);
  });

  test('what the gateway answers by itself stays', async () => {
    assert.equal((await edge.get('/own', [browser])).body.toString(), 'own');
  });
});
