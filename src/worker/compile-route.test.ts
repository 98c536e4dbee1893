import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RouteSpec } from '../core/route-spec.ts';
import type { RouteId, UpstreamId } from '../core/endpoint.ts';
import { PairHeaders, pairsWritten } from '../core/pair-headers.ts';
import { compileRoute } from './compile-route.ts';

describe('a compiled route', () => {
  const spec: RouteSpec = {
    id: 'r' as RouteId,
    match: { hosts: [], pathPrefix: '/', methods: [] },
    action: { kind: 'upstream', upstream: 'app' as UpstreamId },
    rewrite: { pathPrefix: null, host: 'client' },
    requestHeaders: { remove: ['Cookie'], set: [['X-Tenant', 'one']], add: [['X-Tag', 'two']] },
    responseHeaders: { remove: ['server'], set: [], add: [] },
    timeouts: { dnsMs: 1, connectMs: 1, tlsMs: 1, responseHeadMs: 1, idleMs: 1, exchangeMs: null },
    tunnel: { idleMs: 1, pingMs: null },
    errorPages: {},
    disclosure: 'public',
    commitDelayMs: 0,
    buffer: { requestBytesMax: 65_536, requestWaitMs: 50, responseBytesMax: 262_144 },
  };

  it('drops headers that a filter removes or sets and the gateway’s own headers, in any case; added headers stay', () => {
    const { request } = compileRoute(spec, null);
    const sent = new PairHeaders([
      ['cookie', 'a'],
      ['x-tenant', 'mine'],
      ['x-tag', 'mine'],
      ['via', '1.1 x'],
      ['accept', '*/*'],
    ]);
    const kept = pairsWritten((sink) => sent.writeTo(sink, request.drop));
    assert.deepEqual(kept.pairs, [
      ['x-tag', 'mine'],
      ['accept', '*/*'],
    ]);
    assert.deepEqual(request.lines, [
      ['X-Tenant', 'one'],
      ['X-Tag', 'two'],
    ]);
  });

  const removals: readonly [matched: string, replacement: string | null, removed: string][] = [
    ['/api', '/', '/api'],
    ['/api/', '/', '/api'],
    ['/api/v1', '/v1', '/api'],
    ['/api/v1/', '/v1/', '/api'],
    ['/api', null, ''],
    ['/api', '/api', ''],
    ['/api', '/v1', ''],
    ['/apiv1', '/v1', ''],
    ['/', '/', ''],
    ['/', '/base', ''],
  ];
  for (const [matched, pathPrefix, removed] of removals) {
    it(`removes ${removed || 'no prefix'} where ${matched} becomes ${pathPrefix ?? 'nothing else'}`, () => {
      const rewrite = { pathPrefix, host: 'client' };
      const route = compileRoute({ ...spec, match: { ...spec.match, pathPrefix: matched }, rewrite }, null);
      assert.equal(route.prefixRemoved, removed);
    });
  }

  it('knows which of the gateway’s own headers it edits, in any case', () => {
    const { edited } = compileRoute(spec, null).request;
    assert.equal(edited, null);
    const requestHeaders = { remove: ['X-FORWARDED-Port'], set: [['X-Request-Id', 'a'] as const], add: [] };
    const own = compileRoute({ ...spec, requestHeaders }, null).request.edited;
    assert.deepEqual([...(own ?? [])], ['x-forwarded-port', 'x-request-id']);
  });

  it('applies request and response edits only to their own direction', () => {
    const { response } = compileRoute(spec, null);
    const kept = pairsWritten((sink) =>
      new PairHeaders([
        ['server', 'x'],
        ['cookie', 'a'],
      ]).writeTo(sink, response.drop),
    );
    assert.deepEqual(kept.pairs, [['cookie', 'a']]);
  });
});
