import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { originForTests } from './origin-for-tests.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// The keys `body_max` and `response_body_max` of a route, over real sockets.

describe('the limits of the bodies of a route', () => {
  const origin = originForTests('taken');
  let edge: YamlGateway;

  before(async () => {
    edge = await startFromYaml(`
client: { body_max: 10B }
upstreams: { app: { endpoints: "${origin.address}", check: none } }
routes:
  - { path: /large, to: app, body_max: 100B }
  - { path: /any, to: app, body_max: none }
  - { path: /small, to: app, body_max: 5B }
  - { path: /answer, body_max: 5B, respond: { status: 200 } }
  - { path: /short, to: app, response_body_max: 20B }
  - { path: /files, files: ./public, to: app, body_max: 5B, response_body_max: 20B }
  - { path: /held, to: app, response_body_max: 20B, commit_delay: none }
  - { to: app }
`);
    await mkdir(join(edge.folder, 'public', 'files'), { recursive: true });
    await writeFile(join(edge.folder, 'public', 'files', 'large.txt'), 'x'.repeat(1000));
  });
  after(() => edge.stop());

  const length = (path: string, bytes: number) =>
    `${requestText('POST', path, [`Content-Length: ${bytes}`])}${'x'.repeat(bytes)}`;
  const chunked = (path: string, bytes: number) =>
    `${requestText('POST', path, ['Transfer-Encoding: chunked'])}${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`;

  const cases: readonly [path: string, bytes: number, status: number, key?: string][] = [
    ['/large', 100, 200],
    ['/large', 101, 413, '100 bytes at most by body_max of the route'],
    ['/any', 100_000, 200],
    ['/small', 5, 200],
    ['/small', 6, 413, '5 bytes at most by body_max of the route'],
    ['/other', 10, 200],
    ['/other', 11, 413, '10 bytes at most by client.body_max'],
    ['/answer', 5, 200],
    ['/answer', 6, 413, '5 bytes at most by body_max of the route'],
  ];
  for (const [path, bytes, status, key] of cases) {
    test(`a body of ${bytes} bytes for ${path} gets ${status}, with a length, in chunks and over HTTP/2`, async () => {
      const isAnswer = path === '/answer'; // It reads no body: only an announced one can be refused.
      for (const request of isAnswer ? [length] : [length, chunked]) {
        const response = await edge.send(request(path, bytes));
        assert.equal(response.status, status);
        if (status !== 413) continue;
        const { cause, evidence } = await edge.record(response);
        assert.equal(cause, 'request_refused');
        assert.equal((evidence as { at?: string } | undefined)?.at, key);
      }
      for (const announced of isAnswer ? [true] : [true, false]) {
        const { host, port } = edge.address();
        const session = connect(`http://${host}:${port}`);
        const headers = { ':method': 'POST', ':path': path, ...(announced ? { 'content-length': bytes } : {}) };
        const stream = session.request(headers);
        stream.on('error', () => {});
        stream.end('x'.repeat(bytes));
        const [{ ':status': over2 }] = (await once(stream, 'response')) as [{ ':status': number }];
        assert.equal(over2, status);
        session.destroy();
      }
    });
  }

  test('a body that waits for 100 Continue is refused before it is sent', async () => {
    const before = origin.requests.length;
    const refused = await edge.send(requestText('POST', '/small', ['Expect: 100-continue', 'Content-Length: 6']));
    assert.deepEqual([refused.interim, refused.status], [[], 413]);
    assert.equal(origin.requests.length, before);
  });

  const responses: readonly [what: string, path: string, answer: string, status: number, end: string, got: string][] = [
    ['one that announces more', '/short', 'Content-Length: 21\r\n\r\n' + 'y'.repeat(21), 502, 'generated', ''],
    ['one of the limit', '/short', 'Content-Length: 20\r\n\r\n' + 'y'.repeat(20), 200, 'forwarded', 'y'.repeat(20)],
    [
      'a streamed one that is held',
      '/short',
      `Transfer-Encoding: chunked\r\n\r\n14\r\n${'y'.repeat(20)}\r\n1\r\ny\r\n0\r\n\r\n`,
      502,
      'generated',
      '',
    ],
  ];
  for (const [what, path, answer, status, end, got] of responses) {
    test(`of responses: ${what} is ${status} ${end}`, async () => {
      origin.answer = () => `HTTP/1.1 200 OK\r\n${answer}`;
      const response = await edge.get(path);
      assert.equal(response.status, status);
      if (got !== '') assert.equal(response.body.toString(), got);
      const record = await edge.record(response);
      assert.equal(record.end, end);
      assert.equal(record.cause, status === 502 ? 'response_body_too_large' : null);
    });
  }

  test('of responses: a streamed one that has begun is truncated', async () => {
    origin.answer = () =>
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n${'y'.repeat(20)}\r\n1\r\ny\r\n0\r\n\r\n`;
    const client = edge.connect();
    client.write(requestText('GET', '/held'));
    await until('the connection is closed', () => client.state !== 'open');
    const text = client.bytes.toString('latin1');
    client.close();
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.doesNotMatch(text, /0\r\n\r\n$/);
    const id = /x-request-id: (\S+)/i.exec(text)?.[1] ?? '';
    const record = await edge.record(id);
    assert.deepEqual([record.end, record.cause], ['truncated', 'response_body_too_large']);
  });

  test('of responses: holds for endpoints, not for files beside them, whose requests have their own', async () => {
    const file = await edge.get('/files/large.txt');
    assert.deepEqual([file.status, file.body.length], [200, 1000]);
    const body = 'x'.repeat(6);
    const refused = await edge.send(`${requestText('GET', '/files/large.txt', ['Content-Length: 6'])}${body}`);
    assert.equal(refused.status, 413);
  });

  test('of responses: HEAD says a length and has no body', async () => {
    origin.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n';
    assert.equal((await edge.send(requestText('HEAD', '/short'))).status, 200);
  });
});
