import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { headerOf } from '../../src/testing/testing.ts';
import { RawOrigin, valuesOf } from './raw-origin.ts';
import { requestText, responseOn, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// Requests as an application gets them.

let origin: RawOrigin;
let edge: YamlGateway;
before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none, attempts: 1 } }
decompress_requests: { max_size: 200KiB, max_ratio: 50 }
routes:
  - { path: /off, to: app, decompress_requests: false }
  - { to: app }
`);
});
after(() => edge.stop());
after(() => origin.close());
beforeEach(() => origin.forget());

const coders = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
} as const;

async function send(coding: string, body: Buffer, path = '/', isChunked = false) {
  const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  const client = edge.connect();
  try {
    client.write(requestText('POST', path, [`Content-Encoding: ${coding}`, 'Content-Digest: sha-256=:AA==:', framing]));
    if (isChunked) {
      client.write(`${body.length.toString(16)}\r\n`);
      client.write(body);
      client.write('\r\n0\r\n\r\n');
    } else client.write(body);
    return await responseOn(client, 'POST');
  } finally {
    client.close();
  }
}

/** So many bytes that do not repeat themselves often. */
function text(bytes: number): string {
  let all = '';
  for (let line = 0; all.length < bytes; line++) all += `${(line * 7919) % 65_521},${(line * 104_729) % 9973};`;
  return all.slice(0, bytes);
}

describe('a compressed request reaches the application decoded', () => {
  for (const coding of Object.keys(coders) as (keyof typeof coders)[])
    for (const bytes of [1, 5000, 150_000])
      for (const isChunked of [false, true])
        test(`from ${coding}, ${bytes} bytes${isChunked ? ' in chunks' : ''}`, async () => {
          const response = await send(coding, coders[coding](Buffer.from(text(bytes))), '/', isChunked);
          assert.equal(response.status, 200, response.body.toString());
          assert.equal(origin.last.body.toString(), text(bytes));
          for (const name of ['content-encoding', 'content-digest']) assert.deepEqual(valuesOf(origin.last, name), []);
        });

  test('from several codings', async () => {
    await send('gzip, br', brotliCompressSync(gzipSync('twice')));
    assert.equal(origin.last.body.toString(), 'twice');
  });

  for (const [what, coding, path] of [
    ['a coding that is not known', 'aes128gcm', '/'],
    ['a known one upon it', 'aes128gcm, gzip', '/'],
    ['more codings than have a use', 'gzip, gzip, gzip, gzip', '/'],
    ['a route that says no', 'gzip', '/off'],
  ] as const)
    test(`but as it came with ${what}`, async () => {
      await send(coding, Buffer.from('as it is'), path);
      assert.equal(origin.last.body.toString(), 'as it is');
      assert.deepEqual(valuesOf(origin.last, 'content-encoding'), [coding]);
    });
});

/** Below the greatest size, whatever part of it comes first. */
const zeros = Buffer.alloc(180_000);

describe('a request is refused', () => {
  for (const [what, coding, body, status, rule] of [
    ['that is not what it says', 'gzip', Buffer.from('plain text'), 400, 'content-coding'],
    ['that ends early', 'gzip', gzipSync(text(5000)).subarray(0, 900), 400, 'content-coding'],
    ['that ends early (br)', 'br', brotliCompressSync(text(5000)).subarray(0, 900), 400, 'content-coding'],
    ['that ends early (zstd)', 'zstd', zstdCompressSync(text(5000)).subarray(0, 900), 400, 'content-coding'],
    ['with bytes behind its end', 'gzip', Buffer.concat([gzipSync('a'), Buffer.from('rest')]), 400, 'content-coding'],
    ['that becomes too large', 'gzip', gzipSync(text(250_000)), 413, 'decoded-too-large'],
    ['that becomes many times as large', 'gzip', gzipSync(zeros), 413, 'decoded-ratio'],
    ['that becomes many times as large (br)', 'br', brotliCompressSync(zeros), 413, 'decoded-ratio'],
    ['that becomes many times as large (zstd)', 'zstd', zstdCompressSync(zeros), 413, 'decoded-ratio'],
    ['whose inner coding is broken', 'gzip, br', brotliCompressSync('plain'), 400, 'content-coding'],
  ] as const)
    test(what, async () => {
      const response = await send(coding, body);
      assert.equal(response.status, status);
      const { cause, evidence, attempts } = await edge.record(response);
      assert.equal(cause, 'request_refused');
      assert.equal(((evidence ?? attempts.at(-1)?.evidence) as { rule?: string } | undefined)?.rule, rule);
      assert.equal(headerOf(response, 'content-type'), 'application/problem+json');
      assert.ok(
        origin.requests.every((request) => request.body.length === 0),
        'the application gets no part of it',
      );
    });
});
