import { readSync } from 'node:fs';
import { errnoOf } from './errno.ts';

/** The size of one read. 64 KiB is what the kernel returns at once on loopback. */
const sharedBytes = 64 * 1024;

/** A large body costs half as much when its reads are this large (measured: 1,067 µs per MiB against 606). */
export const bulkBytes = 256 * 1024;

/** The buffer into which every connection of this thread reads, one read at a time. Its bytes are borrowed. */
export const sharedReadBuffer: Buffer = Buffer.allocUnsafeSlow(sharedBytes);

// Looks at the bytes of a plain connection that the kernel holds and Node has not read. Node has no call for it, so this reads
// the descriptor itself; without a descriptor, nothing is known.

/** Receives the unread bytes. */
interface UnreadTaker {
  deliver(bytes: Uint8Array, length: number): void;
}

/**
 * Delivers what the kernel holds for an open descriptor, before it is closed because a write has failed.
 *
 * An endpoint may answer a request before it has read all of it, and close. The next write then fails, with the response unread.
 * But an RST removes nothing that has come before it.
 */
export function readUnread(descriptor: number, taker: UnreadTaker): void {
  for (;;) {
    const length = readSome(descriptor, sharedReadBuffer, sharedReadBuffer.length);
    if (typeof length === 'string' || length === 0) return;
    taker.deliver(sharedReadBuffer, length);
  }
}

/**
 * Whether the kernel has neither bytes nor FIN of the peer, for an open descriptor. The call consumes the bytes, so it is for connections
 * on which nothing is awaited. Some 5 µs, most of it for the error by which Node says "not yet".
 */
export function isQuietAt(descriptor: number): boolean {
  return readSome(descriptor, ahead, 1) === 'EAGAIN';
}

/**
 * A copy of the bytes that have come at an open descriptor and that Node has not read, at most 16 KiB: the rest is left for Node.
 * Null where there are none, or their number is unknown. Some 5 µs, as `isQuietAt`.
 */
export function readAheadAt(descriptor: number): Uint8Array | null {
  const length = readSome(descriptor, ahead, ahead.length);
  return typeof length === 'string' || length === 0 ? null : Buffer.from(ahead.subarray(0, length));
}

/** A separate buffer: a caller further out may be reading from the shared one. */
const ahead = Buffer.allocUnsafeSlow(16 * 1024);

/** The bytes read, 0 at the end; or the error's code. */
function readSome(descriptor: number, into: Uint8Array, bytesMax: number): number | string {
  try {
    return readSync(descriptor, into, 0, bytesMax, null);
  } catch (error) {
    return errnoOf(error);
  }
}
