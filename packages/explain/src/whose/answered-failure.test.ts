import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explain } from '../explain.ts';
import { failureTable } from '../../../failures/src/failure-table.ts';
import { answeredCauses, answeredFailure } from './answered-failure.ts';
import type { Layer } from './whose.ts';

const before = 'upstream connect error or disconnect/reset before headers. reset reason:';

/** Words that both the rules for responses and those for logs know. */
const words: readonly (readonly [author: Layer, status: number, body: string])[] = [
  ['envoy', 503, `${before} connection failure, transport failure reason: delayed connect error: 111`],
  ['envoy', 503, `${before} remote connection failure, transport failure reason: immediate connect error: 113`],
  [
    'envoy',
    503,
    `${before} remote connection failure, transport failure reason: TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end`,
  ],
  ['envoy', 503, `${before} connection failure`],
  ['envoy', 503, `${before} connection timeout`],
  ['envoy', 503, `${before} overflow`],
  ['envoy', 503, `${before} connection termination`],
  ['envoy', 503, `${before} remote reset`],
  ['envoy', 503, `${before} protocol error`],
  ['envoy', 503, 'no healthy upstream'],
  ['envoy', 504, 'upstream request timeout'],
  ['envoy', 403, 'RBAC: access denied'],
  ['cloudflare', 520, 'error code: 520'],
  ['cloudflare', 521, 'error code: 521'],
  ['cloudflare', 522, 'error code: 522'],
  ['cloudflare', 523, 'error code: 523'],
  ['cloudflare', 524, 'error code: 524'],
  ['cloudflare', 525, 'error code: 525'],
  ['cloudflare', 526, 'error code: 526'],
  ['cloudflare', 530, 'error code: 1016'],
  ['vercel', 504, 'FUNCTION_INVOCATION_TIMEOUT'],
  ['vercel', 502, 'NO_RESPONSE_FROM_FUNCTION'],
  ['vercel', 502, 'DNS_HOSTNAME_NOT_FOUND'],
  ['vercel', 503, 'FUNCTION_THROTTLED'],
];

describe('the failure that a gateway reports in its response', () => {
  for (const [author, status, body] of words) {
    it(`is that of its log for: ${body.slice(-50)}`, () => {
      const line = explain(body).lines.find((one) => one !== null);
      const { shape, type } = answeredFailure({ status, headers: {}, body }, author);
      assert.deepEqual([shape, type], [line?.shape, line?.type]);
    });
  }

  it('proves after retries nothing of the earlier attempts', () => {
    const body = `${before.replace('reset reason', 'retried and the latest reset reason')} connection failure`;
    const found = answeredFailure({ status: 503, headers: {}, body }, 'envoy');
    assert.deepEqual([found.shape, found.delivery], ['unreachable', null]);
  });

  it('is read in the problem details of Candor', () => {
    const body =
      '{"cause": "connect_refused", "shape": "unreachable", "proxy_error": "connection_refused", "whose": "application", "delivery": "not_sent"}';
    const found = answeredFailure({ status: 502, headers: {}, body }, 'candor');
    assert.deepEqual(
      [found.shape, found.type, found.cause, found.whose, found.delivery],
      ['unreachable', 'connection_refused', 'connect_refused', 'application', 'not_sent'],
    );
  });

  it('has the type of Proxy-Status where no words of its own are known', () => {
    const headers = { 'proxy-status': 'edge;error=dns_timeout' };
    assert.equal(answeredFailure({ status: 504, headers }, 'unknown').type, 'dns_timeout');
  });

  it('has types and parties as the table of failures has them', () => {
    for (const [cause, [type, whose]] of Object.entries(answeredCauses)) {
      const spec = failureTable[cause as keyof typeof answeredCauses];
      assert.deepEqual([spec.type, spec.whose], [type, whose], cause);
    }
  });
});
