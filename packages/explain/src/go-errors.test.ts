import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../../test/properties.ts';
import type { GoCause } from './go-causes.ts';
import { readGoError, readGoErrorInContent } from './go-errors.ts';

const table: readonly [text: string, cause: GoCause | null, endpoint?: string][] = [
  ['dial tcp 10.0.0.5:8080: connect: connection refused', 'refused', '10.0.0.5:8080'],
  ['dial tcp [::1]:8080: connect: connection refused', 'refused', '[::1]:8080'],
  [
    'dial tcp 127.0.0.1:80: connectex: No connection could be made because the target machine actively refused it.',
    'refused',
  ],
  ['dial tcp 10.0.0.5:8080: connect: no route to host', 'unroutable'],
  ['dial tcp 10.0.0.5:8080: connect: network is unreachable', 'unroutable'],
  ['dial tcp 10.0.0.5:8080: i/o timeout', 'connect_timeout', '10.0.0.5:8080'],
  ['dial tcp 10.0.0.5:8080: connect: connection timed out', 'connect_timeout'],
  ['dial tcp 10.0.0.5:8080: connect: operation timed out', 'connect_timeout'],
  ['dial tcp 10.0.0.5:8080: connect: cannot assign requested address', 'ports_spent'],
  ['dial tcp 10.0.0.5:8080: socket: too many open files', 'descriptors_spent'],
  ['dial tcp 10.0.0.5:8080: connect: permission denied', 'not_permitted'],
  ['dial tcp 10.0.0.5:8080: operation was canceled', 'client_left'],
  ['dial tcp: address app: missing port in address', 'bad_address'],
  ['dial unix /run/app.sock: connect: no such file or directory', 'socket_missing', '/run/app.sock'],
  ['dial unix /run/app.sock: connect: connection refused', 'socket_refused'],
  ['dial unix /run/app.sock: connect: permission denied', 'not_permitted'],
  ['dial unix /run/php.sock: connect: resource temporarily unavailable', 'backlog_full'],
  ['dialing backend: dial unix /run/php.sock: connect: no such file or directory', 'socket_missing'],
  ['dial tcp: lookup app.internal: no such host', 'name_not_found', 'app.internal'],
  ['dial tcp: lookup app on 127.0.0.11:53: no such host', 'name_not_found', 'app'],
  ['dial tcp: lookup app on 127.0.0.11:53: server misbehaving', 'name_server_failed', 'app'],
  [
    'dial tcp: lookup app on 10.0.0.2:53: read udp 10.0.0.9:4000->10.0.0.2:53: i/o timeout',
    'name_server_silent',
    'app',
  ],
  [
    'dial tcp: lookup app on 10.0.0.2:53: read udp 10.0.0.9:4000->10.0.0.2:53: read: connection refused',
    'name_server_failed',
  ],
  ['dial tcp: lookup app: Temporary failure in name resolution', 'name_server_failed'],
  ['net/http: TLS handshake timeout', 'tls_timeout'],
  ['http: server gave HTTP response to HTTPS client', 'tls_plain_peer'],
  ['tls: first record does not look like a TLS handshake', 'tls_plain_peer'],
  ['tls: failed to verify certificate: x509: certificate signed by unknown authority', 'certificate'],
  ['x509: certificate is valid for a.test, not b.test', 'certificate'],
  ['x509: certificate has expired or is not yet valid: current time 2026-01-02T03:04:05Z', 'certificate'],
  ['remote error: tls: handshake failure', 'tls_alert'],
  ['remote error: tls: bad certificate', 'tls_alert'],
  ['tls: server selected unsupported protocol version 301', 'tls_protocol'],
  ['net/http: timeout awaiting response headers', 'head_timeout'],
  ['http2: timeout awaiting response headers', 'head_timeout'],
  ['context deadline exceeded', 'head_timeout'],
  ['read tcp 10.0.0.9:4000->10.0.0.5:8080: i/o timeout', 'read_timeout', '10.0.0.5:8080'],
  ['read unix @->/run/php.sock: i/o timeout', 'read_timeout', '/run/php.sock'],
  ['write tcp 10.0.0.9:4000->10.0.0.5:8080: i/o timeout', 'write_timeout'],
  ['EOF', 'closed'],
  ['unexpected EOF', 'closed'],
  ['http: server closed idle connection', 'closed'],
  ['net/http: HTTP/1.x transport connection broken: unexpected EOF', 'closed'],
  ['read tcp 10.0.0.9:4000->10.0.0.5:8080: read: connection reset by peer', 'reset', '10.0.0.5:8080'],
  ['write tcp 10.0.0.9:4000->10.0.0.5:8080: write: broken pipe', 'send_failed'],
  [
    'readfrom tcp 10.0.0.9:4000->10.0.0.5:8080: write tcp 10.0.0.9:4000->10.0.0.5:8080: write: broken pipe',
    'send_failed',
  ],
  ['readfrom tcp 10.0.0.9:4000->10.0.0.5:80: client disconnected', 'client_left'],
  ['readfrom tcp 10.0.0.9:4000->10.0.0.5:80: unexpected EOF', 'client_left'],
  ['stream error: stream ID 7; INTERNAL_ERROR; received from peer', 'reset'],
  ['http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=""', 'closed'],
  ["http2: Transport received Server's graceful shutdown GOAWAY", 'closed'],
  ['net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-OpenSSH_9.2"', 'not_http'],
  [
    'net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x15\\x03\\x01\\x00\\x02\\x02"',
    'tls_peer',
  ],
  [
    'net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00\\x12\\x04\\x00\\x00\\x00"',
    'http2_peer',
  ],
  ['net/http: HTTP/1.x transport connection broken: malformed HTTP status code "abc"', 'not_http'],
  ['net/http: HTTP/1.x transport connection broken: malformed MIME header line: no colon', 'bad_head'],
  ['net/http: HTTP/1.x transport connection broken: unsupported transfer encoding: "x"', 'bad_coding'],
  ['net/http: HTTP/1.x transport connection broken: bad Content-Length "many"', 'bad_head'],
  ['net/http: server response headers exceeded 1048576 bytes; aborted', 'head_too_large'],
  ['fcgi: invalid header version', 'not_http'],
  ['http: request body too large', 'request_too_large'],
  ['no upstreams available', 'no_upstreams'],
  ['unsupported protocol scheme ""', 'bad_address'],
  ['context canceled', 'client_left'],
  ['http: TLS handshake error from 192.0.2.1:4000: EOF', 'client_tls'],
  ['an error without a known text', null],
  ['', null],
];

for (const [text, cause, endpoint] of table) {
  test(`an error of Go is classified by its text: ${text}`, () => {
    const known = readGoError(text);
    assert.equal(known?.cause ?? null, cause);
    if (endpoint !== undefined) assert.equal(known?.endpoint, endpoint);
    assert.doesNotMatch(known?.sentence ?? '', /%s/);
  });
}

test('text that the peer sent cannot change the verdict', () => {
  const text = 'net/http: HTTP/1.x transport connection broken: malformed HTTP response "x509: context canceled"';
  assert.equal(readGoError(text)?.cause, 'not_http');
});

test('an error after the response had begun is a response that broke off', () => {
  assert.equal(readGoErrorInContent('unexpected EOF')?.type, 'http_response_incomplete');
  assert.equal(readGoErrorInContent('context canceled')?.shape, 'client_abort');
  assert.equal(readGoErrorInContent('read tcp 10.0.0.9:1->10.0.0.5:80: i/o timeout')?.type, 'connection_read_timeout');
});

test('any text is read without an exception', () => {
  const signs = fc.constantFrom('dial tcp ', 'lookup ', '"', '\\', ': ', 'EOF', '->', 'read tcp', 'x509:', ' on ');
  fc.assert(
    fc.property(fc.array(fc.oneof(signs, fc.string()), { maxLength: 30 }), (parts) => {
      readGoErrorInContent(parts.join(''));
    }),
    { numRuns: 300 },
  );
});
