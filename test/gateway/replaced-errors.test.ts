import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { headerOf, type RawResponse } from '../../src/testing/testing.ts';
import { RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Pages of the configuration in place of what an application answers with an error: `replace_errors`.

let origin: RawOrigin;
let edge: YamlGateway;

const yaml = (address: string): string => `
upstreams: { app: { endpoints: "${address}", check: none }, gone: { endpoints: "127.0.0.1:1", check: none } }
error_pages: { 404: 404.html, 5xx: 5xx.html }
replace_errors: [404, 410, 5xx]
routes:
  - { path: /shop, to: app, error_pages: { 404: shop.html } }
  - { path: /bare, to: app, replace_errors: none }
  - { path: /all, to: app, replace_errors: 4xx, error_pages: { default: all.html } }
  - { path: /now, to: app, commit_delay: none }
  - { path: /held, to: app, commit_delay: 10s }
  - { path: /small, to: app, compress: { codings: gzip, min_size: 1B } }
  - { path: /text, to: app, replace_text: { own: its } }
  - { path: /own, respond: { status: 404, body: own, content_type: text/html } }
  - { path: /closed, maintenance: closed }
  - { path: /gone, to: gone }
  - { path: /files, files: ./public }
  - { path: /try, files: ./public, to: app, replace_errors: 4xx, error_pages: { default: all.html } }
  - { path: /, to: app }
`;

const files = {
  '404.html': '<p>{{status}} {{title}} {{request_id}}',
  '5xx.html': '<p>sorry {{detail}}',
  'shop.html': '<p>no such thing',
  'all.html': '<p>all',
};

before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(yaml(origin.address), { files });
  for (const folder of ['files', 'try']) {
    await mkdir(join(edge.folder, 'public', folder), { recursive: true });
    await writeFile(join(edge.folder, 'public', folder, 'a.txt'), 'a file');
  }
});
after(() => edge?.stop());
after(() => origin.close());

const browser = 'Accept: text/html,application/xhtml+xml,*/*;q=0.8';
const html = 'Content-Type: text/html';

function answer(status: string, headers: readonly string[] = [html], body: string | Buffer = 'its own'): Buffer {
  const head = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${body.length}`, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

const chunkedHead = `HTTP/1.1 503 Busy\r\n${html}\r\nTransfer-Encoding: chunked\r\n\r\n`;
const chunked = Buffer.from(`${chunkedHead}3\r\nits\r\n4\r\n own\r\n0\r\nX-Trailer: 1\r\n\r\n`);

/** The ids of requests, and whether their record must say that the page was replaced. */
const replaced = new Map<string, boolean>();

async function ask(path: string, headers: readonly string[] = [browser], method = 'GET'): Promise<RawResponse> {
  const length = method === 'POST' ? ['Content-Length: 0'] : [];
  return edge.send(requestText(method, path, [...headers, ...length]));
}

function note(response: RawResponse, isReplaced: boolean): void {
  replaced.set(headerOf(response, 'x-request-id') ?? '', isReplaced);
}

const bodyOf = (response: RawResponse): string => response.body.toString();

describe('an error of an application is replaced by a page', () => {
  const cases: readonly (readonly [what: string, path: string, answer: Buffer, body: RegExp, method?: string])[] = [
    ['by status', '/', answer('404 Not Found'), /^<p>404 Not Found [0-9a-f-]{36}$/],
    ['without a body', '/', answer('404 Not Found', [], ''), /^<p>404/],
    ['by class', '/', answer('500 Oops'), /^<p>sorry The application answered 500 Internal Server Error\.$/],
    ['in chunks', '/', chunked, /^<p>sorry/],
    ['in plain text, to POST', '/', answer('500 Oops', ['Content-Type: text/plain']), /^<p>sorry/, 'POST'],
    ['compressed', '/', answer('500 Oops', [html, 'Content-Encoding: gzip'], gzipSync('its own')), /^<p>sorry/],
    ['by the page of its route', '/shop', answer('404 Not Found'), /^<p>no such thing$/],
    ['by the page of the file beside it', '/shop', answer('502 Bad Gateway'), /^<p>sorry/],
    ['by the statuses of its route', '/all', answer('403 Forbidden'), /^<p>all$/],
    ['where nothing is held', '/now', answer('404 Not Found'), /^<p>404/],
    ['where a file was tried before', '/try/none', answer('404 Not Found'), /^<p>404/],
  ];
  for (const [what, path, bytes, body, method = 'GET'] of cases)
    test(what, async () => {
      origin.answer = () => bytes;
      const response = await ask(path, [browser], method);
      assert.equal(response.status, Number(bytes.toString('latin1', 9, 12)));
      assert.match(bodyOf(response), body);
      assert.deepEqual(
        ['content-type', 'content-encoding', 'content-length', 'vary'].map((name) => headerOf(response, name)),
        ['text/html; charset=utf-8', null, String(response.body.length), 'Accept'],
      );
      note(response, true);
    });

  test('with the headers of the application, but for those of its body', async () => {
    const kept = ['Set-Cookie: a=1', 'Set-Cookie: b=2', 'Cache-Control: no-store', 'Retry-After: 9', 'Vary: Cookie'];
    const ofBody = ['ETag: "a"', 'Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT', 'Content-Language: de'];
    origin.answer = () => answer('503 Busy', [html, ...kept, ...ofBody]);
    const response = await ask('/');
    const lines = response.headers.map(([name, value]) => `${name}: ${value}`);
    assert.deepEqual(
      kept.filter((line) => !lines.includes(line)),
      [],
    );
    assert.deepEqual([headerOf(response, 'etag'), headerOf(response, 'content-language')], [null, null]);
    assert.equal(headerOf(response, 'last-modified'), null);
    note(response, true);
  });

  test('compressed as the route says', async () => {
    origin.answer = () => answer('404 Not Found');
    const response = await ask('/small', [browser, 'Accept-Encoding: gzip']);
    assert.equal(headerOf(response, 'content-encoding'), 'gzip');
    assert.match(gunzipSync(response.body).toString(), /^<p>404/);
    assert.equal(headerOf(response, 'vary'), 'Accept, Accept-Encoding');
    note(response, true);
  });

  test('of whose texts none is left to be replaced', async () => {
    origin.answer = () => answer('404 Not Found');
    assert.match(bodyOf(await ask('/text')), /^<p>404/);
    origin.answer = () => answer('403 Forbidden');
    assert.equal(bodyOf(await ask('/text')), 'its its');
  });

  test('over HTTP/2', async () => {
    origin.answer = () => answer('404 Not Found');
    const { host, port } = edge.address();
    const session = connect(`http://${host}:${port}`);
    try {
      const stream = session.request({ ':path': '/', ':authority': 'example.org', accept: 'text/html' });
      const [headers] = (await once(stream, 'response')) as [Record<string, string>];
      let body = '';
      for await (const bytes of stream) body += String(bytes);
      assert.match(body, /^<p>404/);
      assert.deepEqual([headers[':status'], headers['content-length']], [404, String(body.length)]);
      replaced.set(headers['x-request-id'] ?? '', true);
    } finally {
      session.close();
    }
  });
});

describe('the response stays as it is', () => {
  const notFound = answer('404 Not Found');
  const cases: readonly (readonly [what: string, answer: Buffer, path?: string, headers?: readonly string[]])[] = [
    ['with another status', answer('403 Forbidden')],
    ['with a status for which there is no page', answer('410 Gone')],
    ['with success', answer('200 OK')],
    ['in JSON', answer('404 Not Found', ['Content-Type: application/problem+json'])],
    ['in gRPC', answer('500 Oops', ['Content-Type: application/grpc'])],
    ['as an event stream', answer('500 Oops', ['Content-Type: text/event-stream'])],
    ['where the application forbids to hold it', answer('500 Oops', [html, 'X-Accel-Buffering: no'])],
    ['for a program', notFound, '/', ['Accept: */*']],
    ['for a program that says nothing', notFound, '/', []],
    ['for a program that wants JSON', notFound, '/', ['Accept: application/json, text/html;q=0.9']],
    ['to a request for a part', answer('416 Range Not Satisfiable'), '/all', [browser, 'Range: bytes=9-']],
    ['to a WebSocket', notFound, '/', [browser, 'Connection: Upgrade', 'Upgrade: websocket']],
    ['on a route with none', notFound, '/bare'],
  ];
  for (const [what, bytes, path = '/', headers = [browser]] of cases)
    test(what, async () => {
      origin.answer = () => bytes;
      const response = await ask(path, headers);
      assert.equal(response.status, Number(bytes.toString('latin1', 9, 12)));
      assert.equal(bodyOf(response), 'its own');
      note(response, false);
    });

  test('to HEAD', async () => {
    origin.answer = () => answer('404 Not Found', [html], '');
    const response = await ask('/', [browser], 'HEAD');
    assert.deepEqual([response.status, headerOf(response, 'content-type')], [404, 'text/html']);
    note(response, false);
  });

  test('to a conditional request', async () => {
    origin.answer = () => Buffer.from('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n');
    assert.equal(headerOf(await ask('/', [browser, 'If-None-Match: "a"']), 'etag'), '"a"');
  });

  test('and caches are told that browsers get another one', async () => {
    const vary = async (bytes: Buffer) => {
      origin.answer = () => bytes;
      return headerOf(await ask('/', ['Accept: */*']), 'vary');
    };
    assert.equal(await vary(notFound), 'Accept');
    assert.equal(await vary(answer('404 Not Found', [html, 'Vary: accept'])), 'accept');
    assert.equal(await vary(answer('403 Forbidden')), null);
    assert.equal(await vary(answer('404 Not Found', ['Content-Type: image/png'])), null);
  });
});

describe('what the gateway answers by itself is not replaced', () => {
  test('respond and maintenance', async () => {
    assert.equal(bodyOf(await ask('/own')), 'own');
    const closed = await ask('/closed');
    assert.equal(closed.status, 503);
    assert.match(bodyOf(closed), /closed/);
    note(closed, false);
  });

  test('a failure, which has the page of the same key', async () => {
    const failed = await ask('/gone');
    assert.equal(failed.status, 502);
    assert.match(bodyOf(failed), /^<p>sorry (?!The application answered)/);
    assert.match(headerOf(failed, 'proxy-status') ?? '', /error=connection_refused/);
    note(failed, false);
  });

  test('a missing file, which has the page of the same key', async () => {
    assert.match(bodyOf(await ask('/files/none')), /^<p>404 There is no such file/);
    assert.match((await ask('/files/none', ['Accept: */*'])).body.toString(), /file_not_found/);
    assert.equal(bodyOf(await ask('/files/a.txt')), 'a file');
  });

  test('a condition that a file does not meet', async () => {
    const failed = await ask('/try/a.txt', [browser, 'If-Match: "other"']);
    assert.equal(failed.status, 412);
    assert.match(bodyOf(failed), /^The file is not/);
  });
});

describe('the body of the application', () => {
  test('leaves its connection for the next request, where it comes in time', async () => {
    const large = answer('404 Not Found', [html], 'x'.repeat(60_000));
    const inParts = (socket: Socket): void => {
      socket.write(large.subarray(0, 30_000));
      setTimeout(() => socket.write(large.subarray(30_000)), 5);
    };
    origin.answer = () => answer('404 Not Found');
    await ask('/');
    const { connections } = origin;
    for (const path of ['/', '/now', '/held', '/held']) {
      if (path === '/held') origin.answer = () => inParts;
      note(await ask(path), true);
    }
    assert.equal(origin.connections, connections);
  });

  /** Resolves when the gateway has closed the connection of an application that sends `begin`, and then `more` without an end. */
  async function closedAfter(path: string, begin: Buffer | string, more: string): Promise<void> {
    let socket: Socket | null = null;
    let isClosed = false;
    origin.answer = () => (opened) => {
      socket = opened;
      opened.on('close', () => (isClosed = true));
      const send = (): void => {
        while (more !== '' && opened.writable && opened.write(more));
      };
      opened.on('drain', send);
      opened.write(begin);
      send();
    };
    const response = await ask(path);
    assert.match(bodyOf(response), /^<p>sorry/);
    note(response, true);
    await until('the connection to the application is closed', () => isClosed);
    assert.ok(socket !== null);
  }

  for (const path of ['/', '/now', '/text']) {
    test(`is not waited for where it does not come, at ${path}`, () =>
      closedAfter(path, `${chunkedHead}3\r\nits\r\n`, ''));
    test(`is not read on where it has no end, at ${path}`, () =>
      closedAfter(path, chunkedHead, `4000\r\n${'x'.repeat(0x4000)}\r\n`));
    test(`is not read on where it is large, at ${path}`, () =>
      closedAfter(path, `HTTP/1.1 500 Oops\r\n${html}\r\nContent-Length: 100000000\r\n\r\n`, 'x'.repeat(16_384)));
  }
});

test('over HTTP/2 the stream of an application that does not end is cancelled', async () => {
  const server = createServer();
  const ended: number[] = [];
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    stream.on('close', () => ended.push(stream.rstCode));
    if (headers[':path'] === '/ok') return stream.respond({ ':status': 200 }, { endStream: true });
    stream.respond({ ':status': 500, 'content-type': 'text/html' });
    stream.write('its');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const other = await startFromYaml(
    `upstreams: { app: { endpoints: "127.0.0.1:${port}", http2: true, check: none } }
error_pages: { default: page.html }
replace_errors: 5xx
routes: [{ to: app }]`,
    { files: { 'page.html': 'a page' } },
  );
  try {
    const response = await other.get('/', [browser]);
    assert.deepEqual([response.status, bodyOf(response)], [500, 'a page']);
    const cancelled = 8;
    await until('the stream is cancelled', () => ended.includes(cancelled));
    assert.equal((await other.get('/ok')).status, 200);
  } finally {
    await other.stop();
    server.close();
  }
});

test('the records say whether a page was replaced, and what the application has answered', async () => {
  assert.ok(replaced.size > 30);
  for (const [id, isReplaced] of replaced) {
    const { page_replaced, received_status, status, end, cause } = await edge.record(id);
    assert.equal(page_replaced ?? false, isReplaced);
    if (isReplaced) assert.deepEqual([received_status, end, cause], [status, 'forwarded', null]);
  }
});

test('a reload brings another page', async () => {
  origin.answer = () => answer('404 Not Found');
  await writeFile(join(edge.folder, 'shop.html'), '<p>another page');
  assert.match(bodyOf(await ask('/shop')), /^<p>no such thing$/);
  assert.ok((await edge.reload(yaml(origin.address))).ok);
  assert.match(bodyOf(await ask('/shop')), /^<p>another page$/);
});
