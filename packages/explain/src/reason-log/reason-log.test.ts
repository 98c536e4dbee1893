import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isGatewayFailure } from '../finding.ts';
import { LogExplainer } from '../log-explainer.ts';

const azure = (error: string, status: number, ofServer = '-'): string =>
  JSON.stringify({
    category: 'ApplicationGatewayAccessLog',
    properties: { httpStatus: status, serverStatus: ofServer, error_info: error, httpMethod: 'GET', requestUri: '/' },
  });
const frontDoor = (error: string, status: number): string =>
  JSON.stringify({ category: 'FrontDoorAccessLog', properties: { httpStatusCode: `${status}`, errorInfo: error } });
const cloudFlare = (edge: number, origin: number): string =>
  JSON.stringify({ EdgeResponseStatus: edge, OriginResponseStatus: origin, ClientRequestMethod: 'GET' });
const cloudFront = (type: string, status: number): string =>
  JSON.stringify({ 'x-edge-detailed-result-type': type, 'sc-status': `${status}` });
const fastly = (reason: string, status: number): string =>
  JSON.stringify({ response_status: status, response_reason: reason, fastly_is_edge: true });
const iis = (ending: string): string =>
  `2026-11-21 10:00:00 10.0.0.5 GET /cart - 443 - 203.0.113.4 curl/8.5.0 - ${ending} 12`;
const httpErr = (reason: string, status = '503'): string =>
  `2026-11-21 10:00:00 203.0.113.4 51234 10.0.0.5 80 HTTP/1.1 GET /cart ${status} 1 ${reason} DefaultAppPool`;
const managed = (statuses: string): string =>
  `[21/Nov/2026:10:00:00 +0000] ${statuses} - GET https shop.example "/" [Client 203.0.113.4] [Length 1] [Gzip -] [Sent-to 10.0.0.5] "-" "-"`;

const cases: readonly (readonly [verdict: string, ...lines: string[]])[] = [
  [
    'none null',
    azure('ERRORINFO_NO_ERROR', 200, '200'),
    frontDoor('NoError', 200),
    cloudFlare(200, 200),
    cloudFlare(304, 0),
    cloudFront('Hit', 200),
    fastly('OK', 200),
    iis('200 0 0'),
    iis('404 0 2'),
    httpErr('Timer_ConnectionIdle', '-'),
    managed('- 200 200'),
    managed('HIT - 200'),
  ],
  [
    'app_error null',
    azure('ERRORINFO_NO_ERROR', 500, '500'),
    frontDoor('NoError', 503),
    cloudFlare(502, 502),
    cloudFlare(520, 520),
    iis('500 0 0'),
    managed('- 500 500'),
  ],
  ['unknown null', cloudFlare(502, 0), cloudFront('Error', 502), fastly('Maintenance', 503), managed('- 502 502')],
  [
    'client_abort null',
    azure('ERRORINFO_CLIENT_CLOSED_REQUEST', 499),
    frontDoor('ClientDisconnected', 499),
    cloudFlare(499, 0),
    cloudFront('ClientCommError', 200),
    iis('200 0 64'),
    httpErr('Client_Reset', '-'),
  ],
  ['client_abort http_request_error', azure('ERRORINFO_INVALID_HOST', 400), httpErr('BadRequest', '400')],
  [
    'unreachable connection_refused',
    frontDoor('OriginConnectionRefused', 503),
    cloudFlare(521, 0),
    fastly('Connection refused', 503),
  ],
  [
    'unreachable null',
    cloudFront('OriginConnectError', 502),
    frontDoor('OriginConnectionError', 503),
    iis('502 3 12029'),
  ],
  ['unreachable connection_timeout', cloudFlare(522, 0), fastly('Connection timed out', 503)],
  [
    'unreachable dns_error',
    cloudFront('OriginDnsError', 502),
    frontDoor('DNSNameNotResolved', 503),
    iis('502 3 12007'),
  ],
  ['unreachable tls_certificate_error', cloudFlare(526, 0), frontDoor('CertificateNameCheckFailed', 503)],
  ['unreachable tls_protocol_error', cloudFlare(525, 0), frontDoor('SSLHandshakeError', 503), iis('502 3 12175')],
  [
    'too_slow http_response_timeout',
    azure('ERRORINFO_UPSTREAM_TIMED_OUT', 504),
    frontDoor('OriginTimeout', 504),
    cloudFlare(524, 0),
    cloudFront('OriginCommError', 504),
    iis('502 3 12002'),
  ],
  ['too_slow connection_read_timeout', fastly('first byte timeout', 503)],
  [
    'reset connection_terminated',
    azure('ERRORINFO_UPSTREAM_CLOSED_CONNECTION', 502),
    frontDoor('OriginConnectionAborted', 503),
    cloudFront('OriginReadError', 502),
    fastly('backend read error', 503),
    iis('502 3 12030'),
    httpErr('Connection_Abandoned_By_ReqQueue', '-'),
  ],
  ['garbage http_protocol_error', cloudFlare(520, 0), frontDoor('OriginInvalidResponse', 503), iis('502 3 12152')],
  [
    'refused_by_gateway destination_unavailable',
    azure('ERRORINFO_UPSTREAM_NO_LIVE', 502),
    fastly('All backends failed or unhealthy', 503),
    httpErr('AppOffline'),
    iis('502 4 0'),
  ],
  ['refused_by_gateway connection_limit_reached', httpErr('QueueFull'), fastly('backend.max_conn reached', 503)],
];

describe("a line with a gateway's own word for the outcome", () => {
  for (const [verdict, ...lines] of cases)
    for (const line of lines)
      it(`is ${verdict}: ${line.slice(0, 150)}`, () => {
        const found = new LogExplainer().read(line);
        assert.equal(`${found?.shape} ${found?.type}`, verdict);
        assert.equal(found?.confidence, 'certain');
        if (found !== null && isGatewayFailure(found))
          assert.ok(found.evidence.length > 0 && found.sentence !== '' && found.fix !== null);
      });
});
