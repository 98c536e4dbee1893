import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { streamWords } from '../core/output-line.ts';
import { parseQuery } from './parse-query.ts';
import { type QueryCondition, textKeys } from '../core/exchange-query.ts';
import { queryKeys } from '../core/exchange-query.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const hour = 3_600_000;

const text = (key: string, value: string, more: object = {}): object => ({
  kind: 'text',
  key,
  value,
  isPrefix: false,
  not: false,
  ...more,
});

describe('a query', () => {
  const understood: readonly (readonly [query: string, conditions: readonly object[]])[] = [
    ['', []],
    ['   ', []],
    ['status:502', [{ kind: 'status', from: 502, to: 502, not: false }]],
    ['status:5xx', [{ kind: 'status', from: 500, to: 599, not: false }]],
    ['STATUS:5XX', [{ kind: 'status', from: 500, to: 599, not: false }]],
    ['-status:500-503', [{ kind: 'status', from: 500, to: 503, not: true }]],
    ['route:/api', [text('route', '/api')]],
    ['path:/orders/*', [text('path', '/orders/', { isPrefix: true })]],
    ['-client:10.0.0.7', [text('client', '10.0.0.7', { not: true })]],
    ['client:10.0.*', [text('client', '10.0.', { isPrefix: true })]],
    ['client:fd00::7', [text('client', 'fd00::7')]],
    ['endpoint:127.0.0.1:3000', [text('endpoint', '127.0.0.1:3000')]],
    ['method:get host:Example.ORG', [text('method', 'GET'), text('host', 'example.org')]],
    ['path:"/a b"', [text('path', '/a b')]],
    ['duration:>1.5s', [{ kind: 'duration', atLeastMs: 1500, belowMs: Infinity, not: false }]],
    ['duration:<50ms', [{ kind: 'duration', atLeastMs: 0, belowMs: 50, not: false }]],
    ['duration:>=2s', [{ kind: 'duration', atLeastMs: 2000, belowMs: Infinity, not: false }]],
    ['duration:<=1ms', [{ kind: 'duration', atLeastMs: 0, belowMs: 1 + Number.EPSILON, not: false }]],
    ['id:01a20b19', [text('id', '01a20b19', { isPrefix: true })]],
    ['client:127.0.0.0/8', [{ kind: 'client_block', bytes: Uint8Array.of(127, 0, 0, 0), bits: 8, not: false }]],
    ['-client:10.0.0.7/32', [{ kind: 'client_block', bytes: Uint8Array.of(10, 0, 0, 7), bits: 32, not: true }]],
    ['cause:connect_*', [text('cause', 'connect_', { isPrefix: true })]],
    [
      'cause:connect_refused,tls_*',
      [
        {
          kind: 'any_of',
          conditions: [text('cause', 'connect_refused'), text('cause', 'tls_', { isPrefix: true })],
          not: false,
        },
      ],
    ],
    [
      '-upstream:api,shop',
      [{ kind: 'any_of', conditions: [text('upstream', 'api'), text('upstream', 'shop')], not: true }],
    ],
    ['path:/a,b', [text('path', '/a,b')]],
    ['stage:connect', [text('stage', 'connect')]],
    ['grpc:14', [text('grpc', '14')]],
    ['-grpc:0', [text('grpc', '0', { not: true })]],
    ['type:connection_refused', [text('type', 'connection_refused')]],
    ['heap', [{ kind: 'words', words: ['heap'], not: false }]],
    ['"Timed out"', [{ kind: 'words', words: ['timed', 'out'], not: false }]],
    [
      '-heap /a/b',
      [
        { kind: 'words', words: ['heap'], not: true },
        { kind: 'words', words: ['a', 'b'], not: false },
      ],
    ],
    ['"http://x"', [{ kind: 'words', words: ['http', 'x'], not: false }]],
  ];
  for (const [query, conditions] of understood) {
    test(`${query} is understood`, () => {
      const parsed = parseQuery(query, now);
      assert.deepEqual(parsed.ok ? parsed.query.conditions : parsed, conditions);
    });
  }

  const times: readonly (readonly [query: string, since: number | null, until: number | null])[] = [
    ['since:1h', now - hour, null],
    ['since:90m until:30min', now - 1.5 * hour, now - 0.5 * hour],
    ['since:08:30', Date.parse('2026-11-23T08:30Z'), null],
    ['since:13:00', Date.parse('2026-11-22T13:00Z'), null],
    ['since:999999999d', 0, null],
    ['since:2h until:2h', now - 2 * hour, now - 2 * hour],
    ['until:2026-11-22', null, Date.parse('2026-11-22T00:00Z')],
    ['since:2026-11-22T08:30', Date.parse('2026-11-22T08:30Z'), null],
    ['since:2026-11-22T08:30+01:00', Date.parse('2026-11-22T07:30Z'), null],
  ];
  for (const [query, since, until] of times) {
    test(`${query} is a time`, () => {
      const parsed = parseQuery(query, now);
      assert.deepEqual(parsed.ok ? [parsed.query.since, parsed.query.until] : parsed, [since, until]);
    });
  }

  const refused: readonly (readonly [query: string, at: number, problem: RegExp])[] = [
    ['status:bad', 0, /^status: is a code, such as 502, 5xx or 500-503, not bad$/],
    ['status:599-500', 0, /^status: is a code/],
    ['status:0xx', 0, /^status: is a code/],
    ['cause:conect_refused', 0, /^there is no cause conect_refused; did you mean cause:connect_refused\?$/],
    ['cause:tls_timeout,conect_refused', 0, /^there is no cause conect_refused; did you mean cause:connect_refused\?$/],
    ['shape:reset,', 0, /^shape: needs a value on both sides of each comma$/],
    [`upstream:${'a,'.repeat(40)}a`, 0, /^a query has at most 32 conditions$/],
    ['cause:app_error', 0, /^there is no cause app_error; shape:app_error is meant$/],
    ['shape:connect_refused', 0, /^there is no shape connect_refused; cause:connect_refused is meant$/],
    ['stage:dns_error', 0, /^there is no stage dns_error; type:dns_error is meant$/],
    ['heap limit:5', 5, /^limit: is no condition; `--limit` of `candor logs` says how many are shown$/],
    ['cause:zzz', 0, /^there is no cause zzz; records name theirs$/],
    ['cause:zzz*', 0, /^there is no cause zzz/],
    ['stage:foo', 0, /^stage: is one of request, route, .*, not foo$/],
    ['stage:conect', 0, /^there is no stage conect; did you mean stage:connect\?$/],
    ['grpc:UNAVAILABLE', 0, /^grpc: is one of missing, 0, 1, .*, not UNAVAILABLE$/],
    ['grpc_status:14', 0, /^there is no key grpc_status; grpc: is meant$/],
    ['type:nope', 0, /^type: is one of dns_timeout, /],
    ['statuz:5xx', 0, /^there is no key statuz; did you mean status:\? /],
    ['stage:wait', 0, /^there is no stage wait; stage:response is meant$/],
    ['client:10.0.0/8', 0, /^client: is an address, such as 10\.0\.0\.7, .* or a block/],
    ['client:127.0.0.300', 0, /^client: is an address, such as .*, not 127\.0\.0\.300$/],
    ['-client:localhost', 0, /^client: is an address, .*, not localhost$/],
    ['client:10.0.0.0/99', 0, /^client: is an address/],
    ['x since:1h until:2h', 11, /^until \(2026-11-23T10:00:00Z\) is before since \(2026-11-23T11:00:00Z\)/],
    ['until:2h since:1h', 9, /^until .* is before since /],
    ['since:1h until:999999999d', 9, /^until \(1970-01-01T00:00:00Z\) is before since /],
    ['route:', 0, /^route: needs a value$/],
    ['heap code:502', 5, /^there is no key code; status: is meant$/],
    ['foo:bar', 0, /^there is no key foo; the keys are status, .*quotes$/],
    ['shape:timeout', 0, /^shape: is one of unreachable, too_slow, /],
    ['duration:5s', 0, /^duration: is more or less than a time/],
    ['since:yesterday', 0, /^since: is a time ago/],
    ['-since:1h', 0, /^-since: has no meaning$/],
    ['a "b', 2, /^the closing quote is missing$/],
    ['-', 0, /^there is nothing behind the -$/],
    ['-""', 0, /^there is nothing behind the -$/],
    ['""'.repeat(250), 0, /^there is nothing between the quotes$/],
    ['...', 0, /^\.\.\. has no letter and no digit$/],
    ['a '.repeat(40), 64, /^a query has at most 32 conditions$/],
  ];
  for (const [query, at, problem] of refused) {
    test(`${query.slice(0, 30)} is refused, with the reason and the place`, () => {
      const parsed = parseQuery(query, now);
      assert.ok(!parsed.ok, 'it is understood');
      assert.match(parsed.problem, problem);
      assert.equal(parsed.at, at);
    });
  }

  for (const [stream, word] of Object.entries(streamWords))
    test(`stream:${word} is what the lines of ${stream} are printed with`, () => {
      const [printed, named] = [parseQuery(`stream:${word}`, now), parseQuery(`stream:${stream}`, now)];
      assert.ok(printed.ok && named.ok);
      assert.deepEqual(printed.query, named.query);
    });

  test('any text is understood or refused at a place within it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (query) => {
        const parsed = parseQuery(query, now);
        assert.ok(parsed.ok || (parsed.at >= 0 && parsed.at <= query.length && parsed.problem.length > 0));
      }),
    );
  });

  test('a condition reads as it was written', () => {
    const value = fc.stringMatching(/^[a-z0-9/._:-]{1,20}$/);
    const key = fc.constantFrom(
      ...textKeys.filter(
        (one) =>
          ![
            'shape',
            'arm',
            'whose',
            'end',
            'kind',
            'stream',
            'method',
            'stage',
            'cause',
            'type',
            'grpc',
            'id',
            'client',
          ].includes(one),
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ key, value, not: fc.boolean() }), { maxLength: 8 }), (terms) => {
        const query = terms.map((term) => `${term.not ? '-' : ''}${term.key}:${term.value}`).join('  ');
        const parsed = parseQuery(query, now);
        const expected = terms.map((term) => text(term.key, term.value, { not: term.not }) as QueryCondition);
        assert.deepEqual(parsed.ok ? parsed.query.conditions : parsed, expected);
      }),
    );
  });
});

test('docs/cli.md names every key of a query', () => {
  const document = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  for (const key of queryKeys) assert.match(document, new RegExp(`\`${key}:|\`${key}\``), key);
});
