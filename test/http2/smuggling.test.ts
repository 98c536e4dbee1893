import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { StrictOrigin } from '../attacks/strict-origin.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { data, headersFrame, requestHeaders } from './frames.ts';
import { RawHttp2 } from './raw-http2.ts';
import { http2Payloads, post } from './smuggling-payloads.ts';

// Requests over HTTP/2 that would be two, or others, in HTTP/1.1. What reaches the endpoint is one request as the gateway counted it, or
// nothing.

describe('smuggling over HTTP/2', () => {
  let origin: StrictOrigin;
  let gateway: YamlGateway;

  before(async () => {
    origin = await StrictOrigin.start();
    gateway = await startFromYaml(`
listeners: { http: { bind: "127.0.0.1:0", http2: true } }
upstreams:
  app: { endpoints: "127.0.0.1:${origin.port}", check: none, connections: { max: 1 } }
  many: { endpoints: "127.0.0.1:${origin.port}", check: none, connections: { max: 1000 } }
routes: [{ path: /many, to: many }, { path: /, to: app }]
`);
  });
  after(async () => {
    await gateway?.stop();
    await origin?.close();
  });
  beforeEach(() => origin.forget());

  for (const { name, headers, body, status, reaches } of http2Payloads)
    test(name, async () => {
      const line = new RawHttp2(gateway.connect());
      try {
        line.begin();
        line.send(headersFrame(1, headers, body === undefined));
        if (body !== undefined) line.send(data(1, body, true));
        assert.equal((await line.answer(1))?.status, status);
        // The next request over the same connection to the endpoint is whole, and gets its own response.
        line.send(headersFrame(3, requestHeaders({ ':path': '/next' })));
        const next = await line.answer(3);
        assert.equal(next?.status, 200);
        assert.equal(next.body.toString(), 'you asked GET /next HTTP/1.1\n');
        assert.deepEqual(origin.violations, []);
        assert.deepEqual(
          origin.requests.map((request) => request.line),
          [...(reaches === null ? [] : [reaches]), 'GET /next HTTP/1.1'],
        );
        if (body !== undefined && reaches !== null) assert.equal(origin.requests[0]?.body, body);
        const names = origin.requests.flatMap((request) => request.headers.map(([one]) => one));
        for (const forbidden of ['x_forwarded_for', 'content_length'])
          assert.ok(!names.includes(forbidden), `${forbidden} has reached the endpoint`);
      } finally {
        line.close();
      }
    });

  test('trailers cannot frame, route or authenticate', async () => {
    const line = new RawHttp2(gateway.connect());
    try {
      line.begin();
      line.send(
        headersFrame(1, post(['te', 'trailers']), false),
        data(1, 'hello'),
        headersFrame(1, [
          ['content-length', '40'],
          ['host', 'hidden.example'],
          ['authorization', 'Basic eDp5'],
          ['x-checksum', '1'],
        ]),
      );
      assert.equal((await line.answer(1))?.status, 200);
      assert.deepEqual(origin.violations, []);
      assert.equal(origin.requests.length, 1);
      assert.equal(origin.requests[0]?.body, 'hello');
      const hosts = origin.requests[0]?.headers.filter(([name]) => name === 'host');
      assert.deepEqual(hosts, [['host', 'example.org']]);
    } finally {
      line.close();
    }
  });

  test('the bytes of many streams on many connections never reach another', { timeout: 60_000 }, async () => {
    const lines = Array.from({ length: 8 }, () => new RawHttp2(gateway.connect()));
    try {
      await Promise.all(
        lines.map(async (line, number) => {
          line.begin();
          for (let turn = 0; turn < 60; turn++) {
            const id = 2 * turn + 1;
            line.send(headersFrame(id, requestHeaders({ ':path': `/many/${number}/${turn}` })));
          }
          for (let turn = 0; turn < 60; turn++) {
            const answer = await line.answer(2 * turn + 1);
            assert.equal(answer?.body.toString(), `you asked GET /many/${number}/${turn} HTTP/1.1\n`);
            assert.equal(answer.headers.get('x-echo'), answer.headers.get('x-request-id'));
          }
        }),
      );
      assert.equal(origin.requests.length, 480);
      assert.deepEqual(origin.violations, []);
    } finally {
      for (const line of lines) line.close();
    }
  });
});
