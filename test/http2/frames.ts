import { type ErrorName, errorName, errorNumber, frameFlags, frameTypes } from '../../src/wire/h2/protocol.ts';
import { frame } from '../../src/wire/h2/session.test-support.ts';
import { type HeaderPair, literals } from '../../src/wire/h2/hpack.test-support.ts';

export { frame };

// Frames byte by byte, written without the gateway's own writer: these tests send what it never would.

export const types = frameTypes;
export const flags = frameFlags;

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

export function settings(...all: readonly Buffer[]): Buffer {
  return frame(types.settings, 0, 0, Buffer.concat(all));
}

export function ping(payload = 'pingpong'): Buffer {
  return frame(types.ping, 0, 0, payload);
}

export function reset(streamId: number, error: ErrorName): Buffer {
  return frame(types.rstStream, 0, streamId, word(errorNumber(error)));
}

export function windowUpdate(streamId: number, bytes: number): Buffer {
  return frame(types.windowUpdate, 0, streamId, word(bytes));
}

export function data(streamId: number, body: Uint8Array | string, end = false): Buffer {
  return frame(types.data, end ? flags.endStream : 0, streamId, body);
}

/** The pseudo-headers of a request, `changes` to them (null: left out), and further headers behind. */
export function requestHeaders(
  changes: Readonly<Record<string, string | null>> = {},
  more: readonly HeaderPair[] = [],
): HeaderPair[] {
  const pseudo = { ':method': 'GET', ':scheme': 'http', ':authority': 'example.org', ':path': '/', ...changes };
  const present = Object.entries(pseudo).filter((pair): pair is [string, string] => pair[1] !== null);
  return [...present, ...more];
}

/** HEADERS with the whole block of `headers`. */
export function headersFrame(streamId: number, headers: readonly HeaderPair[], end = true): Buffer {
  return frame(types.headers, flags.endHeaders | (end ? flags.endStream : 0), streamId, literals(...headers));
}

/** A frame that came. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** The whole frames at the beginning of `bytes`, and how many bytes they take. */
export function framesOf(bytes: Buffer, from = 0): { readonly frames: readonly SeenFrame[]; readonly end: number } {
  const frames: SeenFrame[] = [];
  let at = from;
  while (at + 9 <= bytes.length) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      streamId: bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
      payload: bytes.subarray(at + 9, end),
    });
    at = end;
  }
  return { frames, end: at };
}

/** What a GOAWAY or RST_STREAM says. */
export function errorOf({ type, payload }: SeenFrame): string {
  return errorName(payload.readUInt32BE(type === types.goAway ? 4 : 0));
}
