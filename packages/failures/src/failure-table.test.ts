// Starts processes: the script that writes the documents must agree with them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readFileSync } from 'node:fs';
import { shapeOfType, specOf } from './failure-texts.ts';
import type { FailureSpec } from './failure-spec.ts';
import { failureTable } from './failure-table.ts';
import { type Cause, fail } from './failure.ts';
import { evidenceSample } from './evidence-sample.test-support.ts';
import { requestRules, responseRules } from './rules.ts';

/** Written by hand from RFC 9209 §2.3 and the meaning of each failure; not derived from code. */
const expected: readonly [cause: Cause, shape: string, status: number | null, type: string | null][] = [
  ['dns_not_found', 'unreachable', 502, 'dns_error'],
  ['dns_failed', 'unreachable', 502, 'dns_error'],
  ['dns_timeout', 'unreachable', 504, 'dns_timeout'],
  ['connect_refused', 'unreachable', 502, 'connection_refused'],
  ['connect_timeout', 'unreachable', 504, 'connection_timeout'],
  ['connect_unroutable', 'unreachable', 502, 'destination_ip_unroutable'],
  ['connect_socket_missing', 'unreachable', 502, 'connection_refused'],
  ['connect_not_permitted', 'unreachable', 502, 'connection_refused'],
  ['connect_reset', 'unreachable', 502, 'connection_refused'],
  ['tls_protocol', 'unreachable', 502, 'tls_protocol_error'],
  ['tls_version', 'unreachable', 502, 'tls_protocol_error'],
  ['tls_plaintext_peer', 'unreachable', 502, 'tls_protocol_error'],
  ['tls_not_spoken', 'unreachable', 502, 'tls_protocol_error'],
  ['tls_closed', 'unreachable', 502, 'tls_protocol_error'],
  ['tls_alert', 'unreachable', 502, 'tls_alert_received'],
  ['tls_certificate_expired', 'unreachable', 502, 'tls_certificate_error'],
  ['tls_certificate_not_yet_valid', 'unreachable', 502, 'tls_certificate_error'],
  ['tls_certificate_name', 'unreachable', 502, 'tls_certificate_error'],
  ['tls_certificate_self_signed', 'unreachable', 502, 'tls_certificate_error'],
  ['tls_certificate_untrusted', 'unreachable', 502, 'tls_certificate_error'],
  ['tls_certificate_unfit', 'unreachable', 502, 'tls_certificate_error'],
  ['tls_timeout', 'unreachable', 504, 'connection_timeout'],
  ['response_head_timeout', 'too_slow', 504, 'http_response_timeout'],
  ['attempt_timeout', 'too_slow', 504, 'http_response_timeout'],
  ['response_head_unfinished', 'too_slow', 504, 'http_response_timeout'],
  ['response_head_stalled', 'too_slow', 504, 'connection_read_timeout'],
  ['response_body_stalled', 'too_slow', 504, 'connection_read_timeout'],
  ['request_write_timeout', 'too_slow', 504, 'connection_write_timeout'],
  ['tunnel_idle', 'too_slow', 504, 'connection_read_timeout'],
  ['exchange_timeout', 'too_slow', 504, 'http_response_timeout'],
  ['closed_before_response', 'reset', 502, 'connection_terminated'],
  ['reset_before_response', 'reset', 502, 'connection_terminated'],
  ['stream_refused', 'reset', 502, 'connection_terminated'],
  ['send_failed', 'reset', 502, 'connection_terminated'],
  ['response_head_truncated', 'reset', 502, 'http_response_incomplete'],
  ['response_body_short', 'reset', 502, 'http_response_incomplete'],
  ['response_stream_cut', 'reset', 502, 'http_response_incomplete'],
  ['response_chunked_truncated', 'reset', 502, 'http_response_incomplete'],
  ['response_body_reset', 'reset', 502, 'http_response_incomplete'],
  ['response_body_unclosed', 'reset', 502, 'http_response_incomplete'],
  ['tunnel_unclosed', 'reset', 502, 'http_response_incomplete'],
  ['tunnel_exit', 'reset', 502, 'http_response_incomplete'],
  ['response_not_http', 'garbage', 502, 'http_protocol_error'],
  ['response_not_http2', 'garbage', 502, 'http_protocol_error'],
  ['response_frames', 'garbage', 502, 'http_protocol_error'],
  ['response_records', 'garbage', 502, 'http_protocol_error'],
  ['response_not_fastcgi', 'garbage', 502, 'http_protocol_error'],
  ['response_file_not_found', 'garbage', 502, 'http_protocol_error'],
  ['script_unknown', 'refused_by_gateway', 404, 'destination_not_found'],
  ['response_status_line', 'garbage', 502, 'http_protocol_error'],
  ['response_version', 'garbage', 502, 'http_protocol_error'],
  ['response_header', 'garbage', 502, 'http_protocol_error'],
  ['response_framing', 'garbage', 502, 'http_protocol_error'],
  ['response_head_too_large', 'garbage', 502, 'http_response_header_section_size'],
  ['response_interim_excess', 'garbage', 502, 'http_protocol_error'],
  ['response_too_many_headers', 'garbage', 502, 'http_response_header_section_size'],
  ['response_chunk', 'garbage', 502, 'http_response_transfer_coding'],
  ['response_transfer_coding', 'garbage', 502, 'http_response_transfer_coding'],
  ['response_body_too_large', 'garbage', 502, 'http_response_body_size'],
  ['response_trailers_too_large', 'garbage', 502, 'http_response_trailer_section_size'],
  ['response_upgrade_unexpected', 'garbage', 502, 'http_upgrade_failed'],
  ['response_upgrade_ignored', 'garbage', 502, 'http_upgrade_failed'],
  ['script_not_found', 'refused_by_gateway', 404, 'destination_not_found'],
  ['no_route', 'refused_by_gateway', 404, 'destination_not_found'],
  ['no_endpoint_ready', 'refused_by_gateway', 503, 'destination_unavailable'],
  ['instance_starting', 'refused_by_gateway', 503, 'destination_unavailable'],
  ['circuit_open', 'refused_by_gateway', 503, 'destination_unavailable'],
  ['pool_full', 'refused_by_gateway', 503, 'connection_limit_reached'],
  ['queue_timeout', 'refused_by_gateway', 503, 'connection_limit_reached'],
  ['tunnels_full', 'refused_by_gateway', 503, 'connection_limit_reached'],
  ['concurrency_limit', 'refused_by_gateway', 503, 'connection_limit_reached'],
  ['concurrency_timeout', 'refused_by_gateway', 503, 'connection_limit_reached'],
  ['deadline_unreachable', 'refused_by_gateway', 503, 'connection_limit_reached'],
  ['too_many_endpoints', 'refused_by_gateway', 503, 'destination_unavailable'],
  ['local_ports_exhausted', 'refused_by_gateway', 503, 'connection_limit_reached'],
  ['descriptors_exhausted', 'refused_by_gateway', 503, 'connection_limit_reached'],
  ['loop_detected', 'refused_by_gateway', 502, 'proxy_loop_detected'],
  ['hops_exceeded', 'refused_by_gateway', 502, 'proxy_loop_detected'],
  ['destination_prohibited', 'refused_by_gateway', 502, 'destination_ip_prohibited'],
  ['maintenance', 'refused_by_gateway', 503, 'proxy_internal_response'],
  ['closed_by_route', 'refused_by_gateway', 0, 'proxy_internal_response'],
  ['pause_timeout', 'refused_by_gateway', 503, 'proxy_internal_response'],
  ['pause_full', 'refused_by_gateway', 503, 'proxy_internal_response'],
  ['shed', 'refused_by_gateway', 503, 'proxy_internal_response'],
  ['too_many_connections', 'refused_by_gateway', 503, 'proxy_internal_response'],
  ['drained', 'refused_by_gateway', 503, 'destination_unavailable'],
  ['gateway_stopping', 'refused_by_gateway', 503, 'proxy_internal_response'],
  ['filter_timeout', 'refused_by_gateway', 503, 'proxy_internal_error'],
  ['file_not_found', 'refused_by_gateway', 404, 'destination_not_found'],
  ['site_file_missing', 'refused_by_gateway', 404, 'destination_not_found'],
  ['file_forbidden', 'refused_by_gateway', 403, 'http_request_denied'],
  ['file_failed', 'refused_by_gateway', null, 'proxy_internal_error'],
  ['file_pool_full', 'refused_by_gateway', 503, 'connection_limit_reached'],
  ['file_timeout', 'refused_by_gateway', 504, 'proxy_internal_error'],
  ['file_changed', 'refused_by_gateway', 500, 'proxy_internal_error'],
  ['rate_limited', 'refused_by_gateway', 429, 'http_request_denied'],
  ['too_many_requests_at_once', 'refused_by_gateway', 429, 'http_request_denied'],
  ['access_denied', 'refused_by_gateway', 403, 'http_request_denied'],
  ['not_authenticated', 'refused_by_gateway', 401, 'http_request_denied'],
  ['not_permitted', 'refused_by_gateway', 403, 'http_request_denied'],
  ['login_failed', 'refused_by_gateway', 403, 'http_request_denied'],
  ['link_refused', 'refused_by_gateway', 403, 'http_request_denied'],
  ['authentication_busy', 'refused_by_gateway', 503, 'connection_limit_reached'],
  ['authentication_unavailable', 'refused_by_gateway', 503, 'destination_unavailable'],
  ['gateway_fault', 'refused_by_gateway', 500, 'proxy_internal_error'],
  ['configuration_fault', 'refused_by_gateway', 500, 'proxy_configuration_error'],
  ['too_many_connections_from_address', 'client_abort', 429, 'http_request_error'],
  ['request_refused', 'client_abort', null, 'http_request_error'],
  ['request_head_timeout', 'client_abort', 408, 'http_request_error'],
  ['request_body_timeout', 'client_abort', 408, 'http_request_error'],
  ['request_body_truncated', 'client_abort', 400, 'http_request_error'],
  ['client_gone', 'client_abort', 0, null],
  ['response_not_read', 'client_abort', 0, null],
];

const specs = Object.entries(failureTable) as unknown as readonly (readonly [Cause, FailureSpec<Cause>])[];

describe('the failure table', () => {
  it('has exactly the causes of the table written by hand', () => {
    assert.deepEqual(
      Object.keys(failureTable),
      expected.map(([cause]) => cause),
    );
  });

  for (const [cause, shape, status, type] of expected) {
    it(`says of ${cause}: ${shape}, ${status ?? 'by rule'}, ${type ?? 'no response'}`, () => {
      const spec = failureTable[cause];
      assert.equal(typeof spec.status === 'number' ? spec.status : null, status);
      assert.equal(spec.type, type);
      assert.equal(shapeOfType(spec.type), shape);
    });
  }

  for (const word of ['title', 'forClient', 'nextStep'] as const) {
    it(`has a different ${word} for each cause`, () => {
      const texts = specs.map(([, spec]) => spec[word]);
      assert.deepEqual(
        texts.filter((text, index) => texts.indexOf(text) !== index),
        [],
      );
    });
  }

  it('has a whole sentence for each cause, and none twice', () => {
    const sentences = specs.map(([cause, spec]) => {
      const reason = cause === 'drained' ? 'gateway_stopping' : evidenceSample.reason;
      return spec.sentence({ ...evidenceSample, reason } as never);
    });
    for (const sentence of sentences) {
      assert.match(sentence, /^[A-Z0-9].*[^.]\.$/);
      assert.doesNotMatch(sentence, /undefined|null|NaN|\[object/);
    }
    assert.equal(new Set(sentences).size, sentences.length);
  });

  it('names two to four usual causes each, none of them twice', () => {
    const all = specs.flatMap(([, { usualCauses }]) => usualCauses);
    for (const [cause, { usualCauses }] of specs) assert.ok(usualCauses.length >= 2 && usualCauses.length <= 4, cause);
    assert.deepEqual(
      all.filter((text, index) => all.indexOf(text) !== index),
      [],
    );
  });

  it('suggests only steps that show the cause', () => {
    const { drained, no_route, hops_exceeded } = failureTable;
    // `drain.timeout` limits requests in flight; `stop_timeout` is between SIGTERM and SIGKILL.
    assert.match(drained.nextStep, /`drain.timeout`/);
    assert.doesNotMatch(drained.forClient, /new version/);
    assert.match(drained.forClient, /updated or restarted/);
    assert.doesNotMatch(no_route.nextStep, /candor check/);
    assert.doesNotMatch(hops_exceeded.nextStep, /candor explain/);
  });

  it('never counts failures of the gateway or the client against an endpoint', () => {
    for (const [cause, { type, countsAgainstHealth }] of specs) {
      const shape = shapeOfType(type);
      if (shape === 'refused_by_gateway' || shape === 'client_abort') assert.equal(countsAgainstHealth, false, cause);
    }
  });

  it('never retries after a failure of the client', () => {
    for (const [cause, { type, retry }] of specs)
      if (shapeOfType(type) === 'client_abort') assert.equal(retry, 'never', cause);
  });

  it('says what to do about a request for another host, by clear text, by TLS and with a refused certificate', () => {
    const general = specs.find(([cause]) => cause === 'request_refused')?.[1].nextStep;
    for (const rule of ['misdirected', 'plain-on-tls-port', 'tls-on-plain-port', 'client-certificate'] as const) {
      const { nextStep, usualCauses } = specOf(fail('request_refused', 'request', { rule, status: 400, at: '' }));
      assert.notEqual(nextStep, general, rule);
      assert.ok(usualCauses.length > 0, rule);
    }
  });

  it('has a row in docs/failures.md for every rule, with the status of a request rule', () => {
    const text = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'failures.md'), 'utf8');
    const [requests = '', responses = ''] = text.split('## Request rules')[1]?.split('## Response rules') ?? [];
    for (const [rule, { status, section }] of Object.entries(requestRules))
      assert.ok(requests.includes(`\n| \`${rule}\` | ${status} | ${section} | `), rule);
    const shared = /^As for .*$/m.exec(responses)?.[0] ?? '';
    const ofRequests = new Map<string, { readonly section: string; readonly reason: string }>(
      Object.entries(requestRules),
    );
    for (const [rule, { section, reason }] of Object.entries(responseRules)) {
      const request = ofRequests.get(rule);
      const isShared = request?.section === section && request.reason === reason;
      assert.ok(
        isShared ? shared.includes(`\`${rule}\``) : responses.includes(`\n| \`${rule}\` | ${section} | `),
        rule,
      );
    }
  });

  it('names everyone in docs/failures.md who can fix a cause, whatever its evidence is', () => {
    const text = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'failures.md'), 'utf8');
    for (const [cause, spec] of specs) {
      const cell = new RegExp(`<a id="${cause}"></a>.*\n\nWhose: ([^.]+)\\.`).exec(text)?.[1] ?? '';
      const told = cell.split(' or ').filter((one) => one !== 'as `endpoint_cause`');
      assert.deepEqual(told.toSorted(), [...whosePossible(cause, spec.whose)].toSorted(), cause);
      assert.equal(cell.includes('endpoint_cause'), cause === 'no_endpoint_ready', cause);
    }
  });

  it('names both keys that limit the body of a request', () => {
    assert.match(
      specOf(fail('request_refused', 'request', { rule: 'content-too-large', status: 413, at: '' })).nextStep,
      /`body_max` of the route.*`client\.body_max`/,
    );
  });

  it('agrees with docs/failures.md', () => {
    const script = join(import.meta.dirname, '..', '..', '..', 'scripts', 'write-failure-docs.ts');
    assert.doesNotThrow(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' }));
  });
});

/** Values of the evidence on which texts depend. `endpointCause` leads to another cause. */
const deciding: Readonly<Record<string, readonly unknown[]>> = {
  answeredBefore: [1, 2],
  answeredBetween: [3],
  bytesPerS: [1],
  bytesPerSMin: [200],
  drained: ['drain:app/1'],
  endpointCause: [],
  errno: ['EMFILE', 'EIO'],
  exits: [1, 3],
  fix: ['start it'],
  stopped: ['shop'],
  guess: ['fastcgi', 'uwsgi', 'ajp', 'http2', 'tls'],
  fastcgi: [true],
  isFull: [true],
  isPrivate: [true, false],
  lasting: [true],
  overAtStart: [true],
  ping: ['answered', 'unanswered'],
  queuedMs: [3000],
  requestOpen: [true],
  requested: ['websocket'],
  answered: ['h2c'],
  absence: ['missing', 'no_index', 'hidden', 'program', 'outside'],
  accept: ['missing', 'wrong'],
  allow: ['GET, HEAD'],
  reused: [true, false],
  rule: Object.keys(requestRules),
  silent: ['client', 'application'],
  stoppedPids: ['77 78'],
  stream: ['CANCEL'],
  goAway: ['ENHANCE_YOUR_CALM'],
  frame: ['GOAWAY'],
  code: ['ENHANCE_YOUR_CALM'],
  reason: [
    'gateway_stopping',
    'gateway_replaced',
    'worker_replaced',
    'listener_gone',
    'ended_at_once',
    'instance_stopped',
  ],
  what: ['request', 'tunnel'],
  why: ['unknown', 'denied', 'missing', 'outside', 'not_a_file', 'unreadable', 'bad_path'],
};
/** Parts of commands and sentences. */
const shown: ReadonlySet<string> = new Set(['address', 'name', 'overMs', 'passage', 'limit']);
/** Texts compare these two. */
const passedTooOften = { passage: 5, limit: 4 };

/** Who can fix the cause, by the keys of the evidence that its texts read. */
function whosePossible(cause: Cause, general: string): ReadonlySet<string> {
  const found = new Set([general]);
  const read = new Set<string>();
  const look = (evidence: object): void => {
    const watched = new Proxy(evidence, {
      get: (target, key) => (read.add(String(key)), Reflect.get(target, key) as unknown),
      has: (target, key) => (read.add(String(key)), Reflect.has(target, key)),
    });
    const failure = { cause, stage: 'response', evidence: watched } as unknown as Parameters<typeof specOf>[0];
    for (const application of [null, 'shop']) found.add(specOf(failure, application).whose);
  };
  look({});
  for (const [key, values] of Object.entries(deciding)) for (const value of values) look({ [key]: value });
  look(passedTooOften);
  for (const key of read)
    assert.ok(
      key in deciding || shown.has(key),
      `${cause}: ${key} is read; add its values to \`deciding\`, or the key to \`shown\``,
    );
  return found;
}

it('the step for a certificate of another name sets no name that is not expected', () => {
  const { nextStep } = failureTable.tls_certificate_name;
  assert.match(nextStep, /check for that name in place of NAME: set it only to a name that you expect there/);
});
