import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeError } from './fetch-world.test-support.ts';
import { failureOfError } from './network-failure.ts';

const rows: readonly (readonly [
  code: string,
  syscall: string | undefined,
  shape: string | null,
  cause: string,
  executed: boolean,
  temporary: boolean,
])[] = [
  ['ECONNREFUSED', 'connect', 'unreachable', 'connect_refused', false, true],
  ['ENOTFOUND', 'getaddrinfo', 'unreachable', 'dns_not_found', false, true],
  ['EAI_AGAIN', 'getaddrinfo', 'unreachable', 'dns_failed', false, true],
  ['UND_ERR_CONNECT_TIMEOUT', undefined, 'unreachable', 'connect_timeout', false, true],
  ['ETIMEDOUT', 'connect', 'unreachable', 'connect_timeout', false, true],
  ['ETIMEDOUT', 'read', null, 'network_error', true, true],
  ['EHOSTUNREACH', 'connect', 'unreachable', 'connect_unroutable', false, true],
  ['EHOSTUNREACH', 'read', null, 'network_error', true, true],
  ['ECONNRESET', 'connect', 'unreachable', 'connect_reset', false, true],
  ['ECONNRESET', 'read', 'reset', 'reset_before_response', true, true],
  ['ECONNRESET', undefined, 'reset', 'reset_before_response', true, true],
  ['EPIPE', 'write', 'reset', 'closed_before_response', true, true],
  ['UND_ERR_SOCKET', undefined, 'reset', 'closed_before_response', true, true],
  ['UND_ERR_HEADERS_TIMEOUT', undefined, 'too_slow', 'response_head_timeout', true, true],
  ['HPE_INVALID_CONSTANT', undefined, 'garbage', 'response_not_http', true, false],
  ['CERT_HAS_EXPIRED', undefined, 'unreachable', 'tls_certificate_untrusted', false, false],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', undefined, 'unreachable', 'tls_certificate_untrusted', false, false],
  ['ERR_TLS_CERT_ALTNAME_INVALID', undefined, 'unreachable', 'tls_certificate_untrusted', false, false],
  ['ERR_SSL_WRONG_VERSION_NUMBER', undefined, 'unreachable', 'tls_protocol', true, false],
  ['UND_ERR_HEADERS_OVERFLOW', undefined, 'garbage', 'response_head_too_large', true, true],
  ['EPROTO', 'write', null, 'network_error', true, true],
  ['constructor', undefined, null, 'network_error', true, true],
  ['ConnectionRefused', undefined, 'unreachable', 'connect_refused', false, true],
];

for (const [code, syscall, shape, cause, mayHaveBeenExecuted, temporary] of rows) {
  test(`${code}${syscall === undefined ? '' : ` of ${syscall}`} is ${cause}, and ${mayHaveBeenExecuted ? 'may have been' : 'was not'} executed`, () => {
    const failure = failureOfError(nodeError(code, syscall));
    assert.deepEqual(
      { ...failure, shape, cause, mayHaveBeenExecuted, temporary, writer: 'client', status: null },
      failure,
    );
  });
}

test('what platforms without codes throw counts as sent', () => {
  for (const error of [new TypeError('Failed to fetch'), 'text', null, undefined, { code: 7 }])
    assert.equal(failureOfError(error).mayHaveBeenExecuted, true);
});

test('of several addresses the last one speaks', () => {
  const tried = Object.assign(
    new AggregateError([
      { code: 'ENETUNREACH', syscall: 'connect' },
      { code: 'ECONNREFUSED', syscall: 'connect' },
    ]),
    {},
  );
  assert.equal(failureOfError(new TypeError('fetch failed', { cause: tried })).cause, 'connect_refused');
});

test('an error that is its own cause ends the search', () => {
  const error: { cause?: unknown } = {};
  error.cause = error;
  assert.equal(failureOfError(error).cause, 'network_error');
});
