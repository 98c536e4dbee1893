import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Finding, FindingShape } from '../finding.ts';
import { assertSurvives } from '../mutated-lines.test-support.ts';
import { nodeDialects } from './node.ts';

const more = '(https://nodejs.org/api/errors.html#errors_common_system_errors)';

const hpm = (code: string): string =>
  `[HPM] Error occurred while proxying request localhost:3000/api/users?page=2 to http://127.0.0.1:8080/ [${code}] ${more}`;
const oldHpm = (code: string): string =>
  `[HPM] Error occurred while trying to proxy request /api/users from localhost:3000 to http://127.0.0.1:8080 (${code}) ${more}`;

const cases: readonly (readonly [line: string | readonly string[], shape: FindingShape, type?: string | null])[] = [
  [hpm('ECONNREFUSED'), 'unreachable', 'connection_refused'],
  [oldHpm('ECONNREFUSED'), 'unreachable', 'connection_refused'],
  [`<e> [webpack-dev-server] ${hpm('ECONNREFUSED')}`, 'unreachable', 'connection_refused'],
  [hpm('ECONNRESET'), 'reset', 'connection_terminated'],
  [hpm('EPIPE'), 'reset', 'connection_terminated'],
  [oldHpm('ENOTFOUND'), 'unreachable', 'dns_error'],
  [hpm('EAI_AGAIN'), 'unreachable', 'dns_error'],
  [hpm('ETIMEDOUT'), 'unreachable', 'connection_timeout'],
  [hpm('EHOSTUNREACH'), 'unreachable', 'destination_ip_unroutable'],
  [hpm('HPE_INVALID_CONSTANT'), 'garbage', 'http_protocol_error'],
  [hpm('HPE_HEADER_OVERFLOW'), 'garbage', 'http_response_header_section_size'],
  [hpm('HPE_INVALID_CHUNK_SIZE'), 'garbage', 'http_response_transfer_coding'],
  [oldHpm('DEPTH_ZERO_SELF_SIGNED_CERT'), 'unreachable', 'tls_certificate_error'],
  [hpm('CERT_HAS_EXPIRED'), 'unreachable', 'tls_certificate_error'],
  [hpm('EPROTO'), 'unreachable', 'tls_protocol_error'],
  [hpm('EMFILE'), 'refused_by_gateway', 'connection_limit_reached'],
  [oldHpm('undefined'), 'unknown'],
  [hpm('Error: something of its own'), 'unknown'],
  ['[HPM] GET /users/ -> http://127.0.0.1:8080/users/ [304]', 'none'],
  ['[HPM] POST /users/ -> http://127.0.0.1:8080/users/ [502]', 'app_error'],
  ['[HPM] GET /users/ ~> http://127.0.0.1:8080', 'none'],
  ['[HPM] Proxy created: /api  -> http://127.0.0.1:8080', 'none'],
  [
    ['10:21:07 AM [vite] http proxy error: /api/users', 'AggregateError [ECONNREFUSED]: '],
    'unreachable',
    'connection_refused',
  ],
  [
    [
      '10:21:07 [vite] \u001b[31mhttp proxy error at /api/users:\u001b[39m',
      'Error: connect ECONNREFUSED 127.0.0.1:8080',
    ],
    'unreachable',
    'connection_refused',
  ],
  [['10:21:07 AM [vite] http proxy error: /api/users', 'Error: socket hang up'], 'reset', 'connection_terminated'],
  [['10:21:07 AM [vite] http proxy error: /api/users', 'Error: getaddrinfo ENOTFOUND api'], 'unreachable', 'dns_error'],
  [
    ['10:21:07 AM [vite] http proxy error: /api/users', 'Error: Parse Error: Expected HTTP/'],
    'garbage',
    'http_protocol_error',
  ],
  ['  [cause]: HeadersTimeoutError: Headers Timeout Error', 'too_slow', 'connection_read_timeout'],
  ['BodyTimeoutError: Body Timeout Error', 'too_slow', 'connection_read_timeout'],
  [
    '  [cause]: ConnectTimeoutError: Connect Timeout Error (attempted address: 10.0.0.5:80, timeout: 10000ms) {',
    'unreachable',
    'connection_timeout',
  ],
  ['  [cause]: SocketError: other side closed', 'reset', 'connection_terminated'],
  ['  [cause]: Error: connect ECONNREFUSED 127.0.0.1:8080', 'unreachable', 'connection_refused'],
  ['HeadersOverflowError: Headers Overflow Error', 'garbage', 'http_response_header_section_size'],
  ['10:21:07 AM [vite] http proxy error: /api/users', 'unknown'],
  ['10:21:07 AM [vite] http proxy error: connect ECONNREFUSED 127.0.0.1:8080', 'unreachable', 'connection_refused'],
  [['10:21:07 AM [vite] ws proxy error:', 'Error: read ECONNRESET'], 'reset', 'connection_terminated'],
  [['10:21:07 AM [vite] ws proxy socket error:', 'Error: write EPIPE'], 'client_abort'],
  [
    "Error: aborted at connResetException (node:internal/errors:720:14) at abortIncoming (node:_http_server:800:17) code: 'ECONNRESET'",
    'client_abort',
  ],
  [
    "Error: aborted at connResetException (node:internal/errors:720:14) at Socket.socketCloseListener (node:_http_client:473:25) code: 'ECONNRESET'",
    'reset',
    'connection_terminated',
  ],
  [
    [
      'Proxy error: Could not proxy request /api/users from localhost:3000 to http://localhost:5000.',
      'See https://nodejs.org/api/errors.html#errors_common_system_errors for more information (ECONNREFUSED).',
    ],
    'unreachable',
    'connection_refused',
  ],
  [
    'Proxy error: Could not proxy request /api/users from localhost:3000 to http://localhost:5000 (ECONNRESET).',
    'reset',
    'connection_terminated',
  ],
  ['[HPM] PROXY ERROR: ECONNREFUSED. localhost:3000 -> http://127.0.0.1:8080/api', 'unreachable', 'connection_refused'],
  ['[HPM] Proxy error: socket hang up', 'reset', 'connection_terminated'],
  ['Failed to proxy http://127.0.0.1:8000/api/users Error: socket hang up', 'reset', 'connection_terminated'],
  [
    'Failed to proxy http://127.0.0.1:8000/api/users Error: connect ECONNREFUSED 127.0.0.1:8000',
    'unreachable',
    'connection_refused',
  ],
  [
    ['Failed to proxy http://127.0.0.1:8000/api/users AggregateError:', "  code: 'ECONNREFUSED'"],
    'unreachable',
    'connection_refused',
  ],
  ['Error: getaddrinfo EAI_AGAIN backend', 'unreachable', 'dns_error'],
  ['Error: queryA ETIMEOUT api.internal', 'unreachable', 'dns_timeout'],
  ['Error: connect ECONNREFUSED 127.0.0.1:9000', 'unreachable', 'connection_refused'],
  ['Error: connect ENOENT /run/app.sock', 'unreachable', 'connection_refused'],
  ['Error: connect ETIMEDOUT 10.0.0.9:80', 'unreachable', 'connection_timeout'],
  ['Error: read ETIMEDOUT', 'too_slow', 'connection_read_timeout'],
  ['Error: socket hang up', 'reset', 'connection_terminated'],
  ['Error: Parse Error: Header overflow', 'garbage', 'http_response_header_section_size'],
  [
    "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames",
    'unreachable',
    'tls_certificate_error',
  ],
  [
    'Error: Client network socket disconnected before secure TLS connection was established',
    'reset',
    'connection_terminated',
  ],
  [
    'Error: write EPROTO 00D8:error:0A00010B:SSL routines:ssl3_get_record:wrong version number',
    'unreachable',
    'tls_protocol_error',
  ],
  ['Error: connect EAGAIN /run/app.sock', 'unreachable', 'connection_refused'],
  ['Error: self-signed certificate', 'unreachable', 'tls_certificate_error'],
  [
    "{ errno: -111, code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', port: 9000 }",
    'unreachable',
    'connection_refused',
  ],
];

/** The verdict on the last of the lines. */
function read(lines: string | readonly string[]): Finding | null {
  const [dialect] = nodeDialects;
  const reader = dialect?.open();
  let last: Finding | null = null;
  for (const line of [lines].flat()) {
    assert.notEqual(dialect?.recognise(line), 0, line);
    last = reader?.read(line) ?? null;
  }
  return last;
}

describe('the logs of Node proxies', () => {
  for (const [lines, shape, type] of cases)
    it(`report ${type ?? shape}: ${[lines].flat().join(' / ').slice(0, 100)}`, () => {
      const finding = read(lines);
      assert.equal(finding?.shape, shape);
      assert.equal(finding?.type, type ?? null);
      assert.equal(finding?.gateway, 'node');
      if (shape !== 'none') assert.notEqual(finding?.evidence.length, 0);
      if (shape === 'unknown') assert.notEqual(finding?.fix, null);
    });

  it('name the request and the target', () => {
    assert.equal(read(hpm('ECONNRESET'))?.request, '/api/users?page=2');
    assert.equal(read(hpm('ECONNRESET'))?.upstream, 'http://127.0.0.1:8080/');
    assert.equal(read('Error: connect ECONNREFUSED 127.0.0.1:9000')?.upstream, '127.0.0.1:9000');
  });

  it('have the line with the request joined with the line with the cause', () => {
    const reader = nodeDialects[0]?.open();
    const first = reader?.read('10:21:07 AM [vite] http proxy error: /api/users');
    const second = reader?.read('AggregateError [ECONNREFUSED]: ');
    assert.equal(first?.isConsequence, true);
    assert.equal(second?.isConsequence, false);
    assert.equal(second?.request, '/api/users');
    assert.notEqual(second?.joins, null);
    assert.equal(second?.joins, first?.joins);
  });

  it('are not confused with lines of other programs', () => {
    for (const line of [
      'Error: the other side closed the account',
      'TypeError: fetch failed',
      'Error: Cannot find module "x"',
      '    at node:net:1118:18',
      'TypeError: x is not a function',
      'TypeError [ERR_INVALID_URL]: Invalid URL',
      'Error [ERR_HTTP_HEADERS_SENT]: Cannot set headers',
      'Error: listen EADDRINUSE: address already in use :::3000',
      'listening on :3000',
      '',
      '{"code":"ECONNREFUSED"}',
    ])
      assert.equal(nodeDialects[0]?.recognise(line), 0, line);
  });

  it('give a code that stands alone no meaning, unless a failure came before it', () => {
    assert.equal(nodeDialects[0]?.open().read("  code: 'ECONNREFUSED'"), null);
  });

  it('are not certain for an error that any program may have printed', () => {
    assert.equal(nodeDialects[0]?.recognise('Error: connect ECONNREFUSED 127.0.0.1:5000'), 1);
  });

  it('are read without an exception, whatever the line', () => {
    assertSurvives(
      nodeDialects,
      cases.flatMap(([lines]) => lines),
    );
  });
});
