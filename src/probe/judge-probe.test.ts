import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fail } from '#failures/failure.ts';
import { probeFailure } from './probe-failure.ts';
import { judgeProbe } from './judge-probe.ts';
import type { ProbeFailure, HttpReport, WayReport } from './probe-report.ts';

const address = '10.0.0.5:3000';

function answer(status: number, more: Partial<HttpReport> = {}): HttpReport {
  return {
    address,
    method: 'GET',
    status,
    reason: '',
    version: 'HTTP/1.1',
    headMs: 1,
    totalMs: 2,
    framing: 'length',
    contentLength: 3,
    bytesReceived: 3,
    end: 'complete',
    isReused: false,
    keepsAlive: true,
    keepAliveTimeoutS: null,
    interim: [],
    headers: [],
    author: null,
    failure: null,
    ...more,
  };
}

function way(get: HttpReport | null, failure: ProbeFailure | null = null): WayReport {
  const connectMs = failure?.stage === 'connect' ? null : 1;
  const addresses = [{ address, connectMs, tlsMs: null, status: get?.status ?? null, failure }];
  return {
    url: `http://${address}/`,
    host: address,
    dns: null,
    addresses,
    tls: null,
    get,
    head: get,
    series: null,
    write: null,
  };
}

const refused = way(null, probeFailure(fail('connect_refused', 'connect', { address })));
const proxyStatus = (value: string) => ({ headers: [{ name: 'proxy-status', value }] });
const nginx = { layer: 'nginx', isGateway: true, sentence: 'nginx wrote this 502.' };
const cut = probeFailure(fail('response_chunked_truncated', 'body', { address, bytesReceived: 5, how: 'closed' }));

const table: readonly (readonly [
  what: string,
  direct: WayReport,
  gateway: WayReport | null,
  layer: string | null,
  shape: string | null,
])[] = [
  ['a good response', way(answer(200)), null, null, 'none'],
  ["the application's own error page", way(answer(500)), null, 'application', 'app_error'],
  ['an error page of a gateway at the target', way(answer(502, { author: nginx })), null, 'gateway', null],
  ['nothing listens', refused, null, 'application', 'unreachable'],
  ['nothing listens, and the gateway says so', refused, way(answer(502)), 'application', 'unreachable'],
  ['nothing listens here, and the gateway gets an answer', refused, way(answer(200)), 'direct', 'unreachable'],
  ['both are refused', refused, refused, 'application', 'unreachable'],
  ['only the gateway is refused', way(answer(200)), refused, 'gateway', 'unreachable'],
  ['the gateway writes a 502', way(answer(200)), way(answer(502, { author: nginx })), 'between', null],
  [
    'the gateway writes a 403',
    way(answer(200)),
    way(answer(403, { author: { ...nginx, sentence: 'nginx wrote this 403.' } })),
    'gateway',
    'refused_by_gateway',
  ],
  [
    'the gateway reports a timeout (RFC 9209)',
    way(answer(200)),
    way(answer(504, proxyStatus('edge; error=http_response_timeout'))),
    'between',
    'too_slow',
  ],
  [
    'the gateway has no route',
    way(answer(200)),
    way(answer(404, proxyStatus('edge; error=destination_not_found'))),
    'gateway',
    'refused_by_gateway',
  ],
  [
    'the error type within a quoted text does not count',
    way(answer(200)),
    way(answer(502, proxyStatus('edge; error=connection_refused; details="x; error=dns_timeout"'))),
    'between',
    'unreachable',
  ],
  [
    'of two gateways the one next to the application counts',
    way(answer(200)),
    way(answer(502, proxyStatus('edge; error=connection_terminated, cdn; error=http_protocol_error'))),
    'between',
    'reset',
  ],
  ['the body is cut behind the gateway', way(answer(200)), way(answer(200, { failure: cut }), cut), 'between', 'reset'],
  ['only through the gateway the application fails', way(answer(200)), way(answer(500)), 'between', 'app_error'],
  ['the gateway asks for a login', way(answer(200)), way(answer(401)), 'between', 'none'],
  ['a good response on both ways', way(answer(200)), way(answer(204)), null, 'none'],
  ['the same 404 on both ways', way(answer(404)), way(answer(404)), null, 'none'],
];

describe('the verdict', () => {
  for (const [what, direct, gateway, layer, shape] of table) {
    test(`${what}: ${layer ?? 'works'}, ${shape ?? 'unknown shape'}`, () => {
      const verdict = judgeProbe(direct, gateway);
      assert.deepEqual([verdict.layer, verdict.shape, verdict.works], [layer, shape, layer === null]);
      assert.ok(verdict.sentence.endsWith('.'), verdict.sentence);
      assert.equal(verdict.nextStep === null, verdict.works);
    });
  }

  test('finds the address that answers 5xx although another one works', () => {
    const addresses = [200, 503].map((status, index) => ({
      address: `10.0.0.${index + 1}:80`,
      connectMs: 1,
      tlsMs: null,
      status,
      failure: null,
    }));
    const { layer, shape, sentence } = judgeProbe({ ...way(answer(200)), addresses }, null);
    assert.deepEqual([layer, shape], ['application', 'app_error']);
    assert.equal(sentence, '1 of 2 addresses answers 5xx: 10.0.0.2:80 answers 503.');
  });

  test('says how many of several requests failed', () => {
    const get = answer(200);
    const series = {
      requests: 10,
      failed: 3,
      failure: cut,
      statuses: [{ status: 200, count: 10 }],
      connections: 4,
      reused: 6,
      stale: 0,
      staleFailure: null,
      headMs: null,
      totalMs: null,
      histogram: [],
    };
    const { works, shape, stage, sentence } = judgeProbe({ ...way(get), series }, null);
    assert.deepEqual([works, shape, stage], [false, 'reset', 'body']);
    assert.match(sentence, /^3 of 10 requests failed\. /);
  });

  test('warns of a certificate that expires soon', () => {
    const certificate = { subject: 'CN=a', issuer: 'CN=b', names: 'a', notBefore: null, notAfter: null, daysLeft: 3 };
    const tls = {
      version: 'TLSv1.3',
      cipher: null,
      alpn: null,
      serverName: 'a',
      withoutName: 'other',
      refusal: null,
      chain: [certificate],
    } as const;
    const { works, notes } = judgeProbe({ ...way(answer(200)), tls }, null);
    assert.equal(works, true);
    assert.deepEqual(notes, [
      'The certificate expires in 3 days.',
      'A client that sends no server name (SNI) gets another certificate.',
    ]);
  });
});
