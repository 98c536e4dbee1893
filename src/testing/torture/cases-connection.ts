import {
  better,
  broken,
  garbled,
  refuseOrRepair,
  gone,
  late,
  lawful,
  misleading,
  unreachable,
  withInterim,
  withPoison,
} from './expectations.ts';
import {
  type Expectation,
  type TortureRequest,
  both,
  get,
  getAndPost,
  type Row,
  untilIdleMs,
  upload,
} from './torture-case.ts';

/** The path requested from every TLS origin that works: its response is `ok`. */
export const tlsAsks = 'http-1.9';

const served = lawful(200, 'ok\n');

/** A failed handshake: the reason is an alert, the certificate or the protocol. */
function refused(cause: string, ...errors: Parameters<typeof gone>): Expectation {
  return unreachable(cause, 502, 'tls_protocol_error', ...errors);
}

const untrusted = (cause: string): Expectation => refused(cause, 'tls_certificate_error');

/** Faults of TLS; the group is the fault. */
export const tlsRows: readonly (readonly [group: string, expects: Expectation])[] = [
  ['tls-good', served],
  ['tls-plain-http', refused('the origin speaks no TLS')],
  [
    'tls-silent',
    unreachable(
      'the handshake was not answered in time',
      504,
      'connection_timeout',
      'connection_read_timeout',
      'tls_protocol_error',
    ),
  ],
  ['tls-reset', refused('the origin broke the handshake off', 'connection_terminated')],
  ['tls-alert-40', refused('the origin refused the handshake', 'tls_alert_received')],
  ['tls-only-1.1', refused('the origin speaks no current TLS', 'tls_alert_received')],
  ['tls-client-certificate', refused('the origin wants a certificate', 'tls_alert_received', 'connection_terminated')],
  ['certificate-expired', untrusted('the certificate has run out')],
  ['certificate-other-name', untrusted('the certificate is for another name')],
  ['certificate-self-signed', untrusted('nobody vouches for the certificate')],
  ['certificate-untrusted', untrusted('nobody known vouches for the certificate')],
  ['tls-close-before-head', gone()],
  ['tls-cut-length', broken()],
  ['tls-cut-until-close', broken()],
  ['tls-until-close', lawful(200, 'all of it\n')],
  ['tls-only-1.2', served],
];

/** Faults of a connection before, or without, a final response. */
export const connectionRows: readonly Row[] = [
  ['close-before-head', gone(), getAndPost],
  ['reset-before-head', gone(), getAndPost],
  ['one-byte-then-close', gone('http_protocol_error'), get],
  ['silent', late(), getAndPost],
  ['one-byte-then-silent', late(), get],
  ['stop-reading', unread(), upload(16 * 1_048_576), ['fresh']],
  ['close-while-uploading', gone('connection_write_timeout'), upload(1_048_576)],
  ['reset-while-uploading', gone('connection_write_timeout'), upload(1_048_576)],
  ['early-413', lawful(413, 'too large\n'), upload(1_048_576)],
  ['early-413-then-reset', lawful(413, 'too large\n'), upload(1_048_576)],
  ['early-200', lawful(200, 'early\n'), upload(1_048_576)],
  ['slow-head', lawful(200, 'slow\n'), getAndPost],
  ['close-on-reuse', raced(), getAndPost, ['reused']],
  ['reset-on-reuse', raced(), getAndPost, ['reused']],
  ['close-when-idle', lawful(200, 'ok\n'), getAndPost, both, untilIdleMs],
  ['reset-when-idle', lawful(200, 'ok\n'), getAndPost, both, untilIdleMs],
  ['continue-then-close', gone(), get],
  ['early-hints-then-close', gone(), getAndPost],
  ['early-hints-then-reset', gone(), get],
  ['early-hints-then-silent', late(), get],
  ['endless-hints', late(), get],
  ['early-hints', withInterim(lawful(200, 'hinted\n'), 103), get],
  ['upgrade-declined', lawful(200, 'no upgrade\n'), [upgradeRequest()]],
  ['upgrade-accepted', upgraded(), [upgradeRequest()]],
  ['upgrade-after-content', upgraded(), [{ method: 'POST', bodyBytes: 11, upgrade: true }]],
  ['upgrade-framed', switchedBadly(), [upgradeRequest()]],
  ['upgrade-http-1.0', switchedBadly(), [upgradeRequest()]],
  [
    'unsolicited-101',
    {
      ...gone('http_upgrade_failed', 'http_protocol_error'),
      acceptable: [],
      cause: 'the origin switched protocols although nobody had asked',
    },
    get,
  ],
];

/** Unreachable addresses; the group is the fault. */
export const unreachableRows: readonly (readonly [group: string, does: string, expects: Expectation])[] = [
  [
    'refused',
    'is not there: connecting to its port is refused',
    unreachable('nobody listens at that port', 502, 'connection_refused'),
  ],
  [
    'unanswered',
    'does not take connections: connecting is never answered',
    unreachable('connecting was not answered in time', 504, 'connection_timeout'),
  ],
  [
    'unknown-name',
    'has a name that does not exist',
    unreachable('the name of the origin does not exist', 502, 'dns_error'),
  ],
  ['close-at-accept', 'closes (FIN) every connection as soon as it has accepted it', gone()],
  ['reset-at-accept', 'resets (RST) every connection as soon as it has accepted it', gone('connection_refused')],
  [
    'talks-first',
    'greets as a mail server as soon as it has accepted a connection',
    { ...gone('http_protocol_error'), cause: 'the origin is no HTTP server', acceptable: [] },
  ],
];

/** The origin did not read a whole request: a timeout, because it has read too little to answer. */
function unread(): Expectation {
  return { ...late('connection_write_timeout'), acceptable: [502], cause: 'the origin stopped reading' };
}

/** The origin ended a reused connection when the request came. A new connection, or a retry of a GET, gives a 200. */
function raced(): Expectation {
  const fresh = { ...refuseOrRepair(gone(), 200, 'first\n'), right: [502] };
  return { ...fresh, passed: { verdict: 'right', why: 'The race between closing and asking stayed invisible.' } };
}

function upgraded(): Expectation {
  const both = better(
    { ...broken(), right: [426], errors: [] },
    { verdict: 'right', why: 'The upgrade was passed on, or declined as RFC 9110 §7.8 allows.' },
    101,
    '\x81\x02hi',
  );
  return {
    ...both,
    cause: 'the origin was ready to switch',
    answers: [...both.answers, { status: 200, body: 'not asked\n' }],
    cut: misleading('The client was told that the protocol changes, and then nothing.'),
  };
}

/** The 101 breaks a rule that says nothing of the bytes behind it (RFC 9112 §6.3): a gateway may refuse it, or pass on a good one. */
function switchedBadly(): Expectation {
  const refused = refuseOrRepair(garbled('http_upgrade_failed'), 101, '\x81\x02hi');
  return withPoison(
    { ...refused, answers: [...refused.answers, { status: 200, body: 'not asked\n' }], right: [502, 426] },
    /^HTTP\/1\.0 101|^HTTP\/1\.. 101(?:(?!\r\n\r\n)[^])*\r\ncontent-length:/i,
    misleading('The 101 was handed on as it was, and RFC 9110 §8.6 and §7.8 forbid it.'),
  );
}

function upgradeRequest(): TortureRequest {
  return { method: 'GET', bodyBytes: 0, upgrade: true };
}
