import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { StrictOrigin } from '../attacks/strict-origin.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { data, headers, requestFields } from './frames.ts';
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

  for (const { name, fields, content, status, reaches } of http2Payloads)
    test(name, async () => {
      const line = new RawHttp2(gateway.connect());
      try {
        line.begin();
        line.send(headers(1, fields, content === undefined));
        if (content !== undefined) line.send(data(1, content, true));
        assert.equal((await line.answer(1))?.status, status);
        // The next request over the same connection to the endpoint is whole, and gets its own response.
        line.send(headers(3, requestFields({ ':path': '/next' })));
        const next = await line.answer(3);
        assert.equal(next?.status, 200);
        assert.equal(next.content.toString(), 'you asked GET /next HTTP/1.1\n');
        assert.deepEqual(origin.violations, []);
        assert.deepEqual(
          origin.requests.map((request) => request.line),
          [...(reaches === null ? [] : [reaches]), 'GET /next HTTP/1.1'],
        );
        if (content !== undefined && reaches !== null) assert.equal(origin.requests[0]?.content, content);
        const names = origin.requests.flatMap((request) => request.fields.map(([one]) => one));
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
        headers(1, post(['te', 'trailers']), false),
        data(1, 'hello'),
        headers(1, [
          ['content-length', '40'],
          ['host', 'hidden.example'],
          ['authorization', 'Basic eDp5'],
          ['x-checksum', '1'],
        ]),
      );
      assert.equal((await line.answer(1))?.status, 200);
      assert.deepEqual(origin.violations, []);
      assert.equal(origin.requests.length, 1);
      assert.equal(origin.requests[0]?.content, 'hello');
      const hosts = origin.requests[0]?.fields.filter(([name]) => name === 'host');
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
            line.send(headers(id, requestFields({ ':path': `/many/${number}/${turn}` })));
          }
          for (let turn = 0; turn < 60; turn++) {
            const answer = await line.answer(2 * turn + 1);
            assert.equal(answer?.content.toString(), `you asked GET /many/${number}/${turn} HTTP/1.1\n`);
            assert.equal(answer.fields.get('x-echo'), answer.fields.get('x-request-id'));
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
