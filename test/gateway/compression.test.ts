import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { headerOf, type RawResponse } from '../../src/testing/testing.ts';
import { RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Responses as clients get them, byte by byte, from an application whose answer each test writes.

let origin: RawOrigin;
let edge: YamlGateway;
before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none, attempts: 1 } }
compress: true
routes:
  - { path: /off, to: app, compress: false }
  - { path: /gzip, to: app, compress: { codings: gzip, types: ["image/*", text/plain], min_size: 10B } }
  - { path: /slow, to: app, compress: { levels: { br: 11 } } }
  - { path: /own, respond: { content_type: text/html, body: "${'<p>own</p>'.repeat(200)}" } }
  - { to: app }
`);
});
after(() => edge.stop());
after(() => origin.close());

const decode = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
  identity: (bytes: Uint8Array) => Buffer.from(bytes),
} as const;

type Coding = keyof typeof decode;

function codingOf(response: RawResponse): Coding {
  return (headerOf(response, 'content-encoding') ?? 'identity') as Coding;
}

function bodyIn(response: RawResponse): Buffer {
  return decode[codingOf(response)](response.body);
}

/** A page of so many bytes, no two lines of it alike. */
function page(bytes: number): string {
  let text = '';
  for (let line = 0; text.length < bytes; line++) text += `<li>line ${line} of ${(line * 7919) % 1000}</li>\n`;
  return text.slice(0, bytes);
}

function answer(body: string, lines: readonly string[] = ['Content-Type: text/html'], status = '200 OK'): void {
  const head = [`HTTP/1.1 ${status}`, ...lines, `Content-Length: ${body.length}`, '', ''].join('\r\n');
  origin.answer = () => head + body;
}

const all = 'Accept-Encoding: gzip, deflate, br, zstd';

describe('a response is compressed', () => {
  for (const coding of ['gzip', 'br', 'zstd'] as const)
    for (const bytes of [1024, 16_384, 16_385, 300_000])
      test(`by ${coding}, of ${bytes} bytes`, async () => {
        const body = page(bytes);
        answer(body);
        const response = await edge.get('/', [`Accept-Encoding: ${coding}`]);
        assert.equal(codingOf(response), coding);
        assert.equal(headerOf(response, 'content-length'), null);
        assert.equal(headerOf(response, 'vary'), 'Accept-Encoding');
        assert.ok(response.body.length < bytes / 1.5, `${response.body.length} bytes`);
        assert.equal(bodyIn(response).toString(), body);
      });

  test('of a route that answers by itself', async () => {
    const response = await edge.get('/own', [all]);
    assert.equal(codingOf(response), 'zstd');
    assert.equal(bodyIn(response).toString(), '<p>own</p>'.repeat(200));
  });

  test('at a level that is too slow for the thread that serves', async () => {
    answer(page(8000));
    const response = await edge.get('/slow', ['Accept-Encoding: br']);
    assert.equal(bodyIn(response).toString(), page(8000));
  });

  for (const [what, lines, expected] of [
    ['with a type of JSON', ['Content-Type: application/problem+json; charset=utf-8'], 'zstd'],
    ['with another coding of none', ['Content-Type: text/html', 'Content-Encoding: identity'], 'zstd'],
    ['but not without a type', [], 'identity'],
    ['but not an image', ['Content-Type: image/png'], 'identity'],
    ['but not an event stream', ['Content-Type: text/event-stream'], 'identity'],
    [
      'but not one that may not be changed',
      ['Content-Type: text/html', 'Cache-Control: public, no-transform'],
      'identity',
    ],
    [
      'but not one with a digest of its bytes',
      ['Content-Type: text/html', 'Content-Digest: sha-256=:X48E9qOo=:'],
      'identity',
    ],
  ] as const)
    test(what, async () => {
      answer(page(4000), lines);
      const response = await edge.get('/', [all]);
      assert.equal(codingOf(response), expected);
      assert.equal(bodyIn(response).toString(), page(4000));
    });

  test('but not twice', async () => {
    answer('0123456789', ['Content-Type: text/html', 'Content-Encoding: br']);
    const response = await edge.get('/', [all]);
    assert.equal(headerOf(response, 'content-encoding'), 'br');
    assert.equal(response.body.toString(), '0123456789');
    assert.equal(headerOf(response, 'vary'), 'Accept-Encoding');
  });

  for (const [what, path, headers, expected] of [
    ['of a route that says no', '/off', [all], 'identity'],
    ['to a client that accepts none', '/', [], 'identity'],
    ['to a client that wants no changes', '/', [all, 'Cache-Control: no-transform'], 'identity'],
  ] as const)
    test(`but not ${what}`, async () => {
      answer(page(4000));
      assert.equal(codingOf(await edge.get(path, headers)), expected);
    });

  test('but not a small one, which names its variants all the same', async () => {
    answer(page(1023));
    const response = await edge.get('/', [all]);
    assert.equal(codingOf(response), 'identity');
    assert.deepEqual([headerOf(response, 'content-length'), headerOf(response, 'vary')], ['1023', 'Accept-Encoding']);
  });

  test('by the codings and types of its route', async () => {
    answer(page(4000));
    assert.equal(codingOf(await edge.get('/gzip', [all])), 'identity', 'text/html is not among them');
    answer(page(10), ['Content-Type: image/bmp']);
    assert.equal(codingOf(await edge.get('/gzip', [all])), 'gzip');
    assert.equal(codingOf(await edge.get('/gzip', ['Accept-Encoding: br'])), 'identity');
  });

  test('but not to an HTTP/1.0 client, which could not see where it is cut', async () => {
    answer(page(4000));
    const response = await edge.send(`GET / HTTP/1.0\r\nHost: a.test\r\n${all}\r\n\r\n`);
    assert.equal(codingOf(response), 'identity');
  });
});

describe('the headers of a compressed response', () => {
  const html = 'Content-Type: text/html';

  for (const [what, lines, expected] of [
    ['weaken a strong tag', ['ETag: "a"'], { etag: 'W/"a"' }],
    ['keep a weak tag', ['ETag: W/"a"'], { etag: 'W/"a"' }],
    ['offer no ranges', ['Accept-Ranges: bytes'], { 'accept-ranges': null }],
    ['add to Vary', ['Vary: Cookie'], { vary: 'Cookie, Accept-Encoding' }],
    ['add nothing to a Vary that has it', ['Vary: accept-encoding'], { vary: 'accept-encoding' }],
    ['add nothing to a Vary that has all', ['Vary: *'], { vary: '*' }],
  ] as const)
    for (const method of ['GET', 'HEAD'])
      test(`${what} (${method})`, async () => {
        answer(method === 'GET' ? page(4000) : '', [html, ...lines]);
        if (method === 'HEAD')
          origin.answer = () => `HTTP/1.1 200 OK\r\n${[html, ...lines].join('\r\n')}\r\nContent-Length: 4000\r\n\r\n`;
        const response = await edge.send(requestText(method, '/', [all]));
        assert.equal(codingOf(response), 'zstd');
        assert.equal(headerOf(response, 'content-length'), null);
        for (const [name, value] of Object.entries(expected)) {
          const values = response.headers.filter(([one]) => one.toLowerCase() === name).map(([, one]) => one);
          assert.equal(values.length === 0 ? null : values.join(', '), value);
        }
      });

  test('of an answer to HEAD that would be sent as it is keep its length', async () => {
    origin.answer = () => 'HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 4000\r\n\r\n';
    const response = await edge.send(requestText('HEAD', '/', [all]));
    assert.deepEqual([codingOf(response), headerOf(response, 'content-length')], ['identity', '4000']);
  });

  for (const [sent, expected] of [
    ['W/"a"', 'W/"a"'],
    ['"a"', '"a"'],
  ] as const)
    test(`of a 304 have the tag that the client knows: ${expected}`, async () => {
      origin.answer = () => 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n';
      const response = await edge.get('/', [all, `If-None-Match: ${sent}`]);
      assert.equal(origin.last.headers.find(([name]) => name.toLowerCase() === 'if-none-match')?.[1], sent);
      assert.deepEqual(
        [response.status, headerOf(response, 'etag'), headerOf(response, 'vary')],
        [304, expected, 'Accept-Encoding'],
      );
    });

  test('of a part of a body are those of the application', async () => {
    answer(
      '0123456789',
      [html, 'Content-Range: bytes 0-9/4000', 'ETag: "a"', 'Accept-Ranges: bytes'],
      '206 Partial Content',
    );
    const response = await edge.get('/', [all, 'Range: bytes=0-9']);
    assert.deepEqual(
      [codingOf(response), headerOf(response, 'etag'), response.body.toString()],
      ['identity', '"a"', '0123456789'],
    );
  });

  for (const type of ['text/html', 'multipart/byteranges; boundary=x'])
    test(`of parts of a body say that the whole may be coded (${type})`, async () => {
      answer('part', [`Content-Type: ${type}`], '206 Partial Content');
      const response = await edge.get('/', [all, 'Range: bytes=0-1,3-4']);
      assert.deepEqual([codingOf(response), headerOf(response, 'vary')], ['identity', 'Accept-Encoding']);
    });

  for (const status of ['204 No Content', '200 OK'])
    test(`of an empty ${status} name no coding`, async () => {
      answer('', [html], status);
      assert.equal(codingOf(await edge.get('/', [all])), 'identity');
    });
});

/** The application has the request, and its connection is the test's. */
async function held(headers: readonly string[]) {
  let socket: Socket | null = null;
  origin.answer = () => (one) => void (socket = one);
  const client = edge.connect();
  client.write(requestText('GET', '/', headers));
  await until('the application has the request', () => socket !== null);
  return { client, socket: socket as unknown as Socket };
}

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

describe('a page that is written slowly', () => {
  for (const coding of ['gzip', 'br', 'zstd'] as const)
    test(`arrives by ${coding} as it is written`, async () => {
      const { client, socket } = await held([`Accept-Encoding: ${coding}`]);
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n');
      let size = 0;
      for (const part of ['first', 'second', 'third']) {
        socket.write(chunk(`<p>${part}</p>`));
        await until(`more has come after the ${part} part`, () => client.bytes.length > size + 4);
        // All bytes of the part are there: only its end is missing.
        await until('the part can be read', () => partial(coding, client.bytes).includes(`<p>${part}</p>`));
        size = client.bytes.length;
      }
      socket.write('0\r\n\r\n');
      const { response } = await client.response('GET', 5000);
      assert.ok(response?.complete);
      assert.equal(bodyIn(response).toString(), '<p>first</p><p>second</p><p>third</p>');
      client.close();
    });

  test('that the application cuts is cut for the client too, and not completed', async () => {
    const { client, socket } = await held(['Accept-Encoding: gzip']);
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n');
    socket.write(chunk(page(100_000)));
    await until('some has come', () => client.bytes.length > 1000);
    socket.destroy();
    await until('the connection has ended', () => client.state !== 'open');
    const bytes = client.bytes.toString('latin1');
    assert.ok(!bytes.endsWith('0\r\n\r\n'), 'no last chunk');
    client.close();
  });
});

/** What can be read of a body in chunks that has not ended. */
function partial(coding: 'gzip' | 'br' | 'zstd', bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = bytes.indexOf('\r\n\r\n') + 4; at > 3; ) {
    const line = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (line < 0 || !(size > 0)) break;
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
  const flush = { gzip: 2, br: 1, zstd: 1 }[coding];
  const body = Buffer.concat(parts);
  if (body.length === 0) return '';
  return decode[coding](body, { finishFlush: flush } as object).toString();
}
