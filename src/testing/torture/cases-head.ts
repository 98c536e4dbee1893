import {
  acceptable,
  better,
  broken,
  dangerous,
  refuseOrRepair,
  garbled,
  gone,
  late,
  lawful,
  misleading,
  withPoison,
} from './expectations.ts';
import { type Expectation, type TortureJudgement, get, getAndPost, type Row } from './torture-case.ts';

const names = [
  'ssh-banner',
  'binary',
  'html-without-head',
  'tls-alert',
  'tls-server-hello',
  'http2-settings',
  'http2-preface',
  'http-request',
  'json-without-head',
  'stack-trace',
  'redis-error',
  'mysql-greeting',
  'only-empty-lines',
  'noise-64k',
];

const skipped = misleading('What came before the head was dropped: the mistake in the origin stays hidden.');
const marked = acceptable('The byte order mark was skipped; it is no part of HTTP/1.');

/** Bytes that are not HTTP/1. Several faults leave the connection open: a gateway can tell without more bytes. */
export const garbageRows: readonly Row[] = [
  ...names.map((name): Row => [name, garbled('connection_terminated', 'http_response_incomplete'), postToo(name)]),
  ['warning-before-head', better(garbled(), skipped, 200, 'ok\n'), get],
  ['mark-before-head', better(garbled(), marked, 200, 'ok\n'), get],
];

function postToo(name: string): Row[2] {
  return name === 'ssh-banner' || name === 'stack-trace' ? getAndPost : get;
}

const tooLarge = ['http_response_header_section_size', 'http_response_header_size'] as const;

const outside: TortureJudgement = {
  verdict: 'right',
  why: 'The status is passed on; clients take one beyond 599 for a server error (RFC 9110 §15).',
};
const otherVersion: TortureJudgement = acceptable(
  'Reads another major version as if it were HTTP/1, whose form it need not have (RFC 9110 §2.5).',
);
const lenient: TortureJudgement = acceptable(
  'Reads what only looks like a status line (RFC 9112 §2.3 is case-sensitive).',
);
const dropped: TortureJudgement = acceptable('The broken line was dropped, and with it what it may have meant.');
const spread: TortureJudgement = dangerous(
  'The broken field is handed on: the next reader may take it for another (RFC 9112 §5.1).',
);
const split: TortureJudgement = dangerous(
  'The control byte is handed on; RFC 9110 §5.5 asks to reject or replace it, since some readers see a line end.',
);
const folded: TortureJudgement = misleading('The folded line is handed on; RFC 9112 §5.2 asks to unfold or refuse it.');
const hopped: TortureJudgement = misleading(
  'The field was named in Connection, so it must not go further (RFC 9110 §7.6.1).',
);
const guessed: TortureJudgement = dangerous(
  'It chose a length where RFC 9112 §6.3 demands a 502: others may choose another, and answers get out of step.',
);
const listed: TortureJudgement = misleading(
  'The repeated length is handed on; RFC 9110 §8.6 asks for one value, or a refusal.',
);
const overridden: TortureJudgement = acceptable('Chunked won, and the length was taken out, as RFC 9112 §6.3 allows.');
const ambiguous: TortureJudgement = dangerous(
  'Both framings are handed on: the next reader may choose the other (RFC 9112 §6.3).',
);
const undone: TortureJudgement = misleading('A transfer coding that it cannot undo was ignored (RFC 9112 §6.1).');
const older: TortureJudgement = acceptable(
  'Reads chunks in an HTTP/1.0 answer, whose framing is faulty by RFC 9112 §6.1.',
);

const bothFramings = /^(?=(?:(?!\r\n\r\n)[^])*\r\ncontent-length:)(?=(?:(?!\r\n\r\n)[^])*\r\ntransfer-encoding:)/i;

function twice(pattern: RegExp): RegExp {
  return new RegExp(`${pattern.source}[^]*${pattern.source}`, 'i');
}

function coded(): Expectation {
  return { ...garbled('http_response_transfer_coding'), cause: 'the coding of the answer is not known' };
}

/** A length that is too large to represent: waiting for the body and then closing is as good as refusing the response. */
function overflowing(): Expectation {
  const refused = better(garbled('http_response_incomplete'), guessed, 200, 'ok\n');
  return { ...refused, cut: broken().cut };
}

/** Response heads that are incomplete, break rules, or are only just valid. */
export const headRows: readonly Row[] = [
  ['close-mid-head', gone('http_protocol_error'), getAndPost],
  ['reset-mid-head', gone('http_protocol_error'), get],
  ['stall-mid-head', late(), getAndPost],
  ['drip-head', late('http_response_header_section_size'), get],
  ['head-in-pieces', lawful(200, 'ok\n'), get],

  ['bad-status-code', garbled(), getAndPost],
  ['status-99', garbled(), get],
  ['status-four-digits', garbled(), get],
  ['status-600', better(garbled(), outside, 600, 'ok\n'), get],
  ['status-999', better(garbled(), outside, 999, ''), get],
  ['unknown-status', lawful(299, 'odd\n'), get],
  ['http-1.9', lawful(200, 'ok\n'), get],
  ['version-2.0', better(garbled(), otherVersion, 200, 'ok\n'), get],
  ['http-3.7', better(garbled(), otherVersion, 200, ''), get],
  ['lowercase-version', better(garbled(), lenient, 200, 'ok\n'), get],
  ['no-reason', lawful(200, 'ok\n'), get],
  ['no-space-after-status', refuseOrRepair(garbled(), 200, 'ok\n'), get],
  ['long-reason', refuseOrRepair(garbled(...tooLarge), 200, 'ok\n'), get],
  ['leading-empty-lines', refuseOrRepair(garbled(), 200, 'ok\n'), get],

  ['space-in-field-name', better(garbled(), dropped, 200, 'ok\n'), get],
  ['line-without-colon', better(garbled(), dropped, 200, 'ok\n'), get],
  ['empty-field-name', withPoison(better(garbled(), dropped, 200, 'ok\n'), /\r\n: x/, spread), get],
  ['control-in-field-name', withPoison(better(garbled(), dropped, 200, 'ok\n'), /X\x01Y/i, spread), get],
  ['nul-in-field-value', withPoison(refuseOrRepair(garbled(), 200, 'ok\n'), /a\0b/, split), get],
  ['cr-in-field-value', withPoison(refuseOrRepair(garbled(), 200, 'ok\n'), /a\rX/, split), get],
  ['bare-line-feeds', refuseOrRepair(garbled(), 200, 'ok\n'), get],
  ['space-before-colon', withPoison(refuseOrRepair(garbled(), 200, 'ok\n'), /x-space :/i, spread), get],
  ['folded-field', withPoison(refuseOrRepair(garbled(), 200, 'ok\n'), /\r\n b\r\n/, folded), get],
  ['nominated-field', withPoison(lawful(200, 'ok\n'), /x-hop: private/i, hopped), get],
  ['many-fields', refuseOrRepair(garbled(...tooLarge), 200, 'ok\n'), get],
  ['huge-field', refuseOrRepair(garbled(...tooLarge), 200, 'ok\n'), get],
  ['huge-field-section', refuseOrRepair(garbled(...tooLarge), 200, 'ok\n'), get],

  ['two-lengths', better(garbled(), guessed, 200, 'ok\n', 'ok\n..'), get],
  ['negative-length', better(garbled(), guessed, 200, '', 'ok\n'), get],
  ['length-with-plus', better(garbled(), guessed, 200, '', 'ok\n'), get],
  ['hexadecimal-length', better(garbled(), guessed, 200, '', 'ok\n'), get],
  ['length-overflow', overflowing(), get],
  ['length-list', withPoison(refuseOrRepair(garbled(), 200, 'ok\n'), /content-length: 3, ?3/i, listed), get],
  [
    'same-length-twice',
    withPoison(refuseOrRepair(garbled(), 200, 'ok\n'), twice(/content-length: 3\r\n/), listed),
    get,
  ],
  ['length-and-chunked', withPoison(better(garbled(), overridden, 200, 'ok\n'), bothFramings, ambiguous), get],
  ['unknown-transfer-coding', better(coded(), undone, 200, 'ok\n', '3\r\nok\n\r\n0\r\n\r\n'), get],
  ['disguised-chunked', better(coded(), undone, 200, 'ok\n', '3\r\nok\n\r\n0\r\n\r\n'), get],
  ['double-chunked', better(coded(), undone, 200, 'ok\n'), get],
  ['chunked-not-last', better(coded(), undone, 200, 'ok\n', '3\r\nok\n\r\n0\r\n\r\n'), get],
  ['chunked-in-http-1.0', better(coded(), older, 200, 'ok\n'), get],
];
