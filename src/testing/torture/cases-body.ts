import { broken, refuseOrRepair, garbled, lawful, stalled } from './expectations.ts';
import { type Expectation, both, get, getAndPost, head, type Row, untilIdleMs } from './torture-case.ts';

/** Bodies that break off, stall, or break the rules of their coding; and valid bodies. */
export const bodyRows: readonly Row[] = [
  ['short-length-close', broken(), getAndPost],
  ['short-length-reset', broken(), get],
  ['short-length-at-once', broken(), get],
  ['large-cut', broken(), get],
  ['chunked-cut', broken('http_response_transfer_coding'), get],
  ['chunked-cut-at-once', broken('http_response_transfer_coding'), get],
  ['chunked-reset', broken('http_response_transfer_coding'), get],
  ['chunked-without-end', broken('http_response_transfer_coding'), get],
  ['cut-in-trailers', cutInTrailers(), get],
  ['close-delimited-reset', broken(), get],
  ['stall-mid-content', stalled(), getAndPost],
  ['chunked-stall', stalled(), get],
  ['unframed-stall', stalled(), get],

  ['bad-chunk-size', badChunk(), get],
  ['bad-chunk-end', badChunk(), get],
  ['chunk-size-overflow', badChunk(), get],
  ['chunk-size-negative', badChunk(), get],
  ['chunk-size-empty', badChunk(), get],
  ['chunk-size-prefixed', badChunk(), get],
  ['chunk-bare-line-feeds', refuseOrRepair({ ...badChunk(), right: [502, 504] }, 200, 'hello'), get],
  ['huge-trailers', refuseOrRepair(badChunk('http_response_trailer_section_size'), 200, 'hello'), get],

  ['surplus-content', refuseOrRepair(garbled(), 200, 'ok\n'), get],
  ['surplus-after-chunked', refuseOrRepair(garbled(), 200, 'ok\n'), get],
  ['surplus-later', lawful(200, 'ok\n'), get, both, untilIdleMs],
  ['no-content-with-content', refuseOrRepair(garbled(), 204, ''), get],
  ['not-modified-with-content', refuseOrRepair(garbled(), 304, ''), get],
  ['head-with-content', refuseOrRepair(garbled(), 200, ''), head],
  ['no-content-promises-content', refuseOrRepair(garbled(), 204, ''), get],
  ['no-content-promises-chunks', refuseOrRepair(garbled(), 204, ''), get],
  ['not-modified-content-later', refuseOrRepair(garbled(), 304, ''), get],
  ['head-content-later', refuseOrRepair(garbled(), 200, ''), head],
  ['hints-with-length', refuseOrRepair(garbled(), 200, 'ok\n'), get],
  ['hints-with-chunks', refuseOrRepair(garbled(), 200, 'ok\n'), get],

  ['http-1.0-close', lawful(200, 'hello\n'), get],
  ['close-delimited', lawful(200, 'hello\n'), get],
  ['chunk-extensions', lawful(200, 'ok\n'), get],
  ['trailers', lawful(200, 'ok\n'), get],
  ['one-byte-chunks', lawful(200, 'ok\n'), get],
  ['slow-drip', lawful(200, '.'.repeat(50)), get],
  ['large-content', lawful(200, 'x'.repeat(1_048_576)), get],
  ['empty-content', lawful(200, ''), get],
  ['own-429', ownPage(429, 'Not so fast'), get],
  ['own-500', ownPage(500, 'My own mistake'), getAndPost],
  ['own-502', ownPage(502, 'My own backend is gone'), get],
  ['own-503', ownPage(503, 'Back in two minutes'), getAndPost],
  ['own-504', ownPage(504, 'My own backend is slow'), get],
];

function badChunk(...more: Parameters<typeof broken>): Expectation {
  return {
    ...broken('http_response_transfer_coding', 'http_protocol_error', ...more),
    cause: 'the chunks of the answer cannot be read',
  };
}

/** The whole body came, but the end of the trailers is missing. Strictly, the message is incomplete (RFC 9112 §8). */
function cutInTrailers(): Expectation {
  return {
    ...broken('http_response_transfer_coding'),
    answers: [{ status: 200, body: 'hello' }],
    passed: { verdict: 'acceptable', why: 'All content came; only the empty line at the very end was missing.' },
  };
}

function ownPage(status: number, title: string): Expectation {
  return lawful(status, `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1></html>\n`);
}
