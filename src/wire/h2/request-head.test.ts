import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type RequestRule, requestRules } from '#failures/rules.ts';
import type { ParsedRequestHead, RequestRefusal } from '../parsed-request-head.ts';
import { requestLimits } from '../request-limits.test-support.ts';
import { type HeaderPair, literals, TestDecoder } from './hpack.test-support.ts';
import { Http2RequestReader, isMalformed } from './request-head.ts';
import { headerSectionRules } from './section-rules.ts';

const plain: Readonly<Record<string, string | null>> = {
  ':method': 'GET',
  ':scheme': 'https',
  ':authority': 'example.org',
  ':path': '/',
};

function read(
  changes: Readonly<Record<string, string | null>> = {},
  more: readonly HeaderPair[] = [],
  endsStream = true,
  reader = new Http2RequestReader(requestLimits),
): ParsedRequestHead | RequestRefusal {
  const decoder = new TestDecoder();
  const pseudo = Object.entries({ ...plain, ...changes }).filter((pair): pair is [string, string] => pair[1] !== null);
  assert.equal(decoder.tryDecode(literals(...pseudo, ...more)), null);
  return reader.read(decoder.section, endsStream, 'https');
}

function accepted(...args: Parameters<typeof read>): ParsedRequestHead {
  const head = read(...args);
  if ('rule' in head) assert.fail(`${head.rule}: ${head.at}`);
  return head;
}

const refused: readonly (readonly [
  rule: string,
  changes: Readonly<Record<string, string | null>>,
  more?: readonly HeaderPair[],
  endsStream?: boolean,
])[] = [
  ['pseudo-header-missing', { ':method': null }],
  ['method-token', { ':method': '' }],
  ['method-token', { ':method': 'GET /' }],
  ['method-too-long', { ':method': 'A'.repeat(1000) }],
  ['connect-not-offered', { ':method': 'CONNECT', ':path': null, ':scheme': null }],
  ['pseudo-header-kind', { ':method': 'CONNECT', ':path': null }],
  ['pseudo-header-kind', { ':method': 'CONNECT', ':scheme': null }],
  ['pseudo-header-kind', { ':protocol': 'websocket' }],
  ['connect-protocol', { ':method': 'CONNECT', ':protocol': 'connect-udp' }],
  ['pseudo-header-missing', { ':scheme': null }],
  ['scheme-unknown', { ':scheme': 'ftp' }],
  ['pseudo-header-missing', { ':scheme': '' }],
  ['pseudo-header-missing', { ':path': null }],
  ['pseudo-header-missing', { ':path': '' }],
  ['target-too-long', { ':path': `/${'a'.repeat(100_000)}` }],
  ['target-form', { ':path': '*' }],
  ['target-form', { ':path': 'http://example.org/' }],
  ['target-bytes', { ':path': '/a b' }],
  ['target-bytes', { ':path': '/a#b' }],
  ['target-bytes', { ':path': '/a?b c' }],
  ['target-bytes', { ':path': '/a\\b' }],
  ['target-bytes', { ':path': '/?"a"#b' }],
  ['target-bytes', { ':path': '/?\u00e4 b' }],
  ['target-too-long', { ':path': `/?${'"'.repeat(40_000)}` }],
  ['host-missing', { ':authority': null }],
  ['host-missing', { ':authority': '' }],
  ['host-missing', { ':authority': '' }, [['host', '']]],
  ['host-invalid', { ':authority': 'exa mple.org' }],
  ['host-invalid', { ':authority': 'user@example.org' }],
  ['host-invalid', { ':authority': null }, [['host', 'a/b']]],
  [
    'host-repeated',
    {},
    [
      ['host', 'example.org'],
      ['host', 'example.org'],
    ],
  ],
  ['host-disagrees', {}, [['host', 'other.example']]],
  ['host-disagrees', {}, [['host', 'example.org:8443']]],
  ['content-length-invalid', {}, [['content-length', '-1']], false],
  ['content-length-invalid', {}, [['content-length', '']], false],
  [
    'content-length-differs',
    {},
    [
      ['content-length', '1'],
      ['content-length', '2'],
    ],
    false,
  ],
  ['content-length-mismatch', {}, [['content-length', '1']]],
  ['expectation-unknown', {}, [['expect', 'more']], false],
];

describe('a request of HTTP/2', () => {
  for (const [rule, changes, more = [], endsStream = true] of refused)
    it(`breaks ${rule}: ${JSON.stringify([changes, more]).slice(0, 90)}`, () => {
      const head = read(changes, more, endsStream);
      assert.equal('rule' in head ? head.rule : 'accepted', rule);
    });

  it('is malformed by what it says wrongly, and not by what it asks for (RFC 9113 §8.1.1)', () => {
    const limits: readonly RequestRule[] = ['too-many-headers', 'header-section-too-large'];
    for (const rule of headerSectionRules.slice(1) as readonly RequestRule[])
      assert.equal(isMalformed(rule), !limits.includes(rule), rule);
    const rules = Object.entries(requestRules) as [RequestRule, { readonly status: number }][];
    for (const [rule, { status }] of rules) if (isMalformed(rule)) assert.equal(status, 400, rule);
    for (const rule of ['connect-not-offered', 'target-too-long', 'expectation-unknown', 'misdirected'] as const)
      assert.equal(isMalformed(rule), false, rule);
  });

  it('says what one of HTTP/1.1 says', () => {
    const { method, scheme, authority, target, version, framing, keepAlive, upgrade, expectContinue } = accepted();
    assert.deepEqual(
      { method, scheme, authority, target, version, framing, keepAlive, upgrade, expectContinue },
      {
        method: 'GET',
        scheme: 'https',
        authority: 'example.org',
        target: '/',
        version: 'HTTP/2',
        framing: { kind: 'none' },
        keepAlive: true,
        upgrade: null,
        expectContinue: false,
      },
    );
  });

  it('has quotes, angle brackets and bytes above 127 of its query percent-encoded, as one of HTTP/1.1', () => {
    const path = '/a?q="b"&r=<c>?\u00c3\u00a9%c3%a9';
    assert.equal(accepted({ ':path': path }).target, '/a?q=%22b%22&r=%3Cc%3E?%C3%A9%c3%a9');
    assert.equal(accepted({ ':path': '/a' }).target, '/a');
  });

  it('has one Content-Length, however often it says the same', () => {
    const lengths = [
      ['content-length', '5, 5'],
      ['content-length', '05'],
    ] as const;
    assert.deepEqual(accepted({}, lengths, false).framing, { kind: 'length', bytes: 5 });
  });

  it('has its scheme from the connection, whatever it says', () => {
    assert.equal(accepted({ ':scheme': 'http' }).scheme, 'https');
  });

  it('may have a Host that agrees, or one alone', () => {
    for (const host of ['example.org', 'EXAMPLE.org', 'example.org:443'])
      assert.equal(accepted({}, [['host', host]]).authority, 'example.org', host);
    assert.equal(accepted({ ':authority': null }, [['host', 'example.org']]).authority, 'example.org');
  });

  it('is framed by Content-Length and by the end of its stream', () => {
    const length = [['content-length', '5']] as const;
    assert.deepEqual(accepted({}, length, false).framing, { kind: 'length', bytes: 5 });
    assert.deepEqual(accepted({}, [], false).framing, { kind: 'chunked' });
    assert.deepEqual(accepted({}, [['content-length', '0']]).framing, { kind: 'length', bytes: 0 });
  });

  it('may ask for OPTIONS *, trailers, 100 and a WebSocket', () => {
    assert.equal(accepted({ ':method': 'OPTIONS', ':path': '*' }).target, '*');
    assert.equal(accepted({}, [['te', 'trailers']]).takesTrailers, true);
    assert.equal(accepted({}, [['expect', '100-continue']], false).expectContinue, true);
    assert.equal(accepted({}, [['expect', '100-continue']]).expectContinue, false, 'no content follows');
    const socket = accepted({ ':method': 'CONNECT', ':protocol': 'websocket' }, [], false);
    assert.deepEqual([socket.method, socket.upgrade, socket.framing], ['GET', 'websocket', { kind: 'none' }]);
  });

  it('leaves nothing to the next one', () => {
    const reader = new Http2RequestReader(requestLimits);
    accepted(
      { ':authority': 'one.example' },
      [
        ['content-length', '5'],
        ['expect', '100-continue'],
        ['host', 'one.example'],
      ],
      false,
      reader,
    );
    const next = accepted({ ':authority': 'two.example' }, [['te', 'trailers']], false, reader);
    assert.deepEqual([next.authority, next.framing, next.expectContinue], ['two.example', { kind: 'chunked' }, false]);
    assert.equal(accepted({ ':authority': 'one.example' }, [], true, reader).authority, 'one.example');
  });
});
