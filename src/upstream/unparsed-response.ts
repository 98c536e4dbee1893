import type { Failure } from '#failures/failure.ts';
import { unparsedBytesMax, withUnparsed } from '../core/unparsed-bytes.ts';
import type { ResponseHeadParser } from '../wire/response-head.ts';

/** The line of a chunk is not longer. */
const lineBytesMax = 280;
const LF = 0x0a;

/** The failure with the bytes of the head that `parser` has refused. Bytes [at, end) came behind them. */
export function withHeadBytes(
  failure: Failure,
  parser: ResponseHeadParser,
  bytes: Uint8Array,
  at: number,
  end: number,
): Failure {
  const { offset, bytes: held } = parser.refusedBytes;
  const kept = held.subarray(0, unparsedBytesMax);
  const behind = bytes.subarray(at, Math.min(end, at + unparsedBytesMax - kept.length));
  return withUnparsed(failure, { part: 'head', offset, bytes: Buffer.concat([kept, behind]) });
}

/** The failure with the line of the body's framing that was refused at byte `at` of the read [start, end). */
export function withBodyBytes(failure: Failure, bytes: Uint8Array, start: number, at: number, end: number): Failure {
  const refused = Math.max(start, at - 1);
  const before = bytes.lastIndexOf(LF, refused - 1);
  const from = refused > start && before >= Math.max(start, refused - lineBytesMax) ? before + 1 : refused;
  return withUnparsed(failure, {
    part: 'body',
    offset: null,
    bytes: Uint8Array.from(bytes.subarray(from, Math.min(end, from + unparsedBytesMax))),
  });
}
