import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { FieldPair } from '../../src/wire/h2/hpack.test-support.ts';
import { StrictOrigin } from '../attacks/strict-origin.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { data, headers, requestFields } from './frames.ts';
import { RawHttp2 } from './raw-http2.ts';

// Requests over HTTP/2 that would be two, or others, in HTTP/1.1. What reaches the endpoint is one request as the gateway counted it, or
// nothing.

const hidden = 'GET /hidden HTTP/1.1\r\nHost: hidden.example\r\n\r\n';

interface Payload {
  readonly name: string;
  readonly fields: readonly FieldPair[];
  readonly content?: string;
  readonly status: number;
  /** The request line that reaches the endpoint; null: none does. */
  readonly reaches: string | null;
}

function refused(name: string, fields: readonly FieldPair[], content?: string, status = 400): Payload {
  return { name, fields, status, reaches: null, ...(content === undefined ? {} : { content }) };
}

const post = (...more: FieldPair[]): FieldPair[] => requestFields({ ':method': 'POST' }, more);
const withField = (name: string, value: string): FieldPair[] => requestFields({}, [[name, value]]);

const controls = ['\r', '\n', '\r\n', '\0', '\x0b', '\x7f', '\r\nX: y', `\r\n\r\n${hidden}`];

const payloads: readonly Payload[] = [
  // H2.CL
  {
    name: 'H2.CL: shorter than the content',
    fields: post(['content-length', '0']),
    content: hidden,
    status: 400,
    reaches: null,
  },
  {
    name: 'H2.CL: longer than the content',
    fields: post(['content-length', '500']),
    content: 'x',
    status: 400,
    reaches: null,
  },
  refused('H2.CL: two that differ', post(['content-length', '1'], ['content-length', '40']), hidden),
  refused('H2.CL: a list that differs', post(['content-length', '1, 40']), hidden),
  refused('H2.CL: with a sign', post(['content-length', '+5']), 'hello'),
  refused('H2.CL: hexadecimal', post(['content-length', '0x5']), 'hello'),
  refused('H2.CL: too large to be a number', post(['content-length', '99999999999999999999']), 'hello'),
  {
    name: 'H2.CL: as announced',
    fields: post(['content-length', '5']),
    content: 'hello',
    status: 200,
    reaches: 'POST / HTTP/1.1',
  },
  {
    name: 'no length, and content that looks like a request',
    fields: post(),
    content: `0\r\n\r\n${hidden}`,
    status: 200,
    reaches: 'POST / HTTP/1.1',
  },
  // H2.TE
  refused('H2.TE: chunked', post(['transfer-encoding', 'chunked']), `0\r\n\r\n${hidden}`),
  refused('H2.TE: in capitals', post(['Transfer-Encoding', 'chunked']), `0\r\n\r\n${hidden}`),
  refused('H2.TE: with a space', post(['transfer-encoding ', 'chunked']), `0\r\n\r\n${hidden}`),
  refused(
    'H2.TE: behind a line break of a value',
    post(['a', 'b\r\ntransfer-encoding: chunked']),
    `0\r\n\r\n${hidden}`,
  ),
  refused('H2.TE: within a name', post(['a: b\r\ntransfer-encoding', 'chunked']), `0\r\n\r\n${hidden}`),
  refused('a Connection that removes headers', post(['connection', 'content-length']), 'hello'),
  refused(
    'an upgrade to h2c',
    requestFields({}, [
      ['upgrade', 'h2c'],
      ['http2-settings', 'AAMAAABkAAQAAP__'],
    ]),
  ),
  // Injection
  ...controls.flatMap((control): Payload[] => {
    const shown = JSON.stringify(control.slice(0, 4));
    return [
      refused(`a value with ${shown}`, withField('x', `a${control}b`)),
      refused(`a name with ${shown}`, withField(`x${control}y`, 'a')),
      refused(`a :path with ${shown}`, requestFields({ ':path': `/${control}` })),
      refused(`an :authority with ${shown}`, requestFields({ ':authority': `example.org${control}` })),
      refused(`a :method with ${shown}`, requestFields({ ':method': `GET${control}` })),
      refused(`a :scheme with ${shown}`, requestFields({ ':scheme': `http${control}` })),
    ];
  }),
  // Pseudo-headers
  refused(
    'a request line in :path',
    requestFields({ ':path': '/ HTTP/1.1\r\nHost: hidden.example\r\n\r\nGET /hidden' }),
  ),
  refused('a :path with spaces', requestFields({ ':path': '/hidden HTTP/1.1' })),
  refused('a :path with a tab', requestFields({ ':path': '/hidden\tHTTP/1.1' })),
  refused('a :path that is a whole URL', requestFields({ ':path': 'http://hidden.example/' })),
  refused('a :path of another host', requestFields({ ':path': '@hidden.example/' })),
  refused('a :path with a fragment', requestFields({ ':path': '/#/hidden' })),
  refused('a :method of two words', requestFields({ ':method': 'GET /hidden HTTP/1.1' })),
  refused('a :scheme that is a URL', requestFields({ ':scheme': 'http://hidden.example/?' })),
  refused('an :authority with a path', requestFields({ ':authority': 'example.org/hidden' })),
  refused('an :authority with user and password', requestFields({ ':authority': 'user:password@example.org' })),
  refused('an :authority with a space', requestFields({ ':authority': 'example.org hidden.example' })),
  refused('two :path', [...requestFields(), [':path', '/hidden']]),
  refused('two :method', [...requestFields(), [':method', 'POST']]),
  refused('two :authority', [...requestFields(), [':authority', 'hidden.example']]),
  refused('a :path behind headers', [...requestFields({ ':path': null }), ['a', 'b'], [':path', '/hidden']]),
  refused('a header called ":path "', [...requestFields(), [':path ', '/hidden']]),
  // Host
  refused('an :authority and another Host', withField('host', 'hidden.example')),
  refused(
    'an :authority and two Hosts',
    requestFields({}, [
      ['host', 'example.org'],
      ['host', 'hidden.example'],
    ]),
  ),
  refused(
    'two Hosts alone',
    requestFields({ ':authority': null }, [
      ['host', 'example.org'],
      ['host', 'hidden.example'],
    ]),
  ),
  refused('an empty Host alone', requestFields({ ':authority': null }, [['host', '']])),
  { name: 'the same Host', fields: withField('host', 'example.org'), status: 200, reaches: 'GET / HTTP/1.1' },
  // Names that applications read as others
  {
    name: 'an underscore in the name of a framing header',
    fields: withField('content_length', '40'),
    status: 200,
    reaches: 'GET / HTTP/1.1',
  },
  {
    name: 'an underscore in a header that the gateway writes',
    fields: withField('x_forwarded_for', '192.0.2.9'),
    status: 200,
    reaches: 'GET / HTTP/1.1',
  },
];

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

  for (const { name, fields, content, status, reaches } of payloads)
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
