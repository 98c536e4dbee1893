import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explain, shapeOf } from '#failures/failure-texts.ts';
import type { Framing } from '../core/message.ts';
import { tlsAlertCode } from '../core/tls-codes.ts';
import { connectionFailure } from './connection-failure.ts';

const address = '10.0.0.7:3000';
const length: Framing = { kind: 'length', bytes: 100 };
const chunked: Framing = { kind: 'chunked' };
const untilClose: Framing = { kind: 'until-close' };
const refused = 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC';
const alert = { how: 'broken', alertId: 20, alertMessage: 'bad_record_mac' };
const broken = { how: 'broken', code: refused };

function inBody(framing: Framing, end: string | null): ReturnType<typeof connectionFailure> {
  const sent = { address, reused: false, idleMs: 0, requestSent: true, bytesSent: 80 };
  return connectionFailure({ ...sent, at: 'body', bytesReceived: 4, framing }, end);
}

describe('a response body that breaks off', () => {
  const rows: readonly [framing: Framing, end: string | null, cause: string, tells: object, sentence: RegExp][] = [
    [length, null, 'response_body_short', { how: 'closed' }, / closed the connection after 4\./],
    [length, 'ECONNRESET', 'response_body_short', { how: 'reset' }, / reset the connection after 4\./],
    [length, refused, 'response_body_short', broken, /TLS .*could not be decrypted \(ERR_SSL_DECRYPTION_FAILED/],
    [length, tlsAlertCode(20), 'response_body_short', alert, /ended TLS with alert 20 \(bad_record_mac\)/],
    [chunked, null, 'response_chunked_truncated', { how: 'closed' }, / closed the connection after 4 bytes/],
    [chunked, 'ECONNRESET', 'response_chunked_truncated', { how: 'reset' }, / reset the connection after 4 bytes/],
    [
      chunked,
      refused,
      'response_chunked_truncated',
      broken,
      /TLS .*could not be decrypted \(ERR_SSL_DECRYPTION_FAILED/,
    ],
    [chunked, tlsAlertCode(20), 'response_chunked_truncated', alert, /ended TLS with alert 20 \(bad_record_mac\)/],
    [untilClose, 'ECONNRESET', 'response_body_reset', { errno: 'ECONNRESET' }, / reset the connection/],
    [untilClose, refused, 'response_body_unclosed', { code: refused }, /TLS .*could not be decrypted \(ERR_SSL_/],
    [untilClose, tlsAlertCode(99), 'response_body_unclosed', { alertId: 99 }, /with alert 99 \(unassigned\)/],
  ];
  for (const [framing, end, cause, tells, sentence] of rows) {
    test(`has its own cause: ${framing.kind}, ${end ?? 'FIN'}`, () => {
      const failure = inBody(framing, end);
      assert.ok(failure !== null);
      assert.equal(failure.cause, cause);
      assert.partialDeepStrictEqual(failure.evidence, { address, bytesReceived: 4, ...tells });
      assert.match(explain(failure), sentence);
      assert.deepEqual([failure.stage, shapeOf(failure)], ['body', 'reset']);
    });
  }
});
