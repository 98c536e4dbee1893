import { readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { errnoOf } from './errno.ts';
import { sharedReadBuffer } from './read-buffers.ts';

// Looks at the bytes of a plain connection that the kernel holds and Node has not read. Node has no call for it, so this reads
// the descriptor itself; without a descriptor, nothing is known.

/** Receives the unread bytes. */
export interface UnreadTaker {
  deliver(bytes: Uint8Array, length: number): void;
}

/**
 * Reads the rest of a connection before it is closed because a write has failed.
 *
 * An endpoint may answer a request before it has read all of it, and close. The next write then fails, and Node closes the
 * socket at once, with the response in it unread. But an RST removes nothing that has come before it.
 */
export function saveUnreadBytes(socket: Socket, taker: UnreadTaker): void {
  const close = socket._destroy.bind(socket);
  socket._destroy = (error, done) => {
    if (error !== null && error !== undefined) readUnread(descriptorOf(socket), taker);
    close(error, done);
  };
}

/** Delivers what the kernel holds for an open descriptor; nothing for null. */
export function readUnread(descriptor: number | null, taker: UnreadTaker): void {
  if (descriptor === null) return;
  for (;;) {
    const length = readSome(descriptor, sharedReadBuffer, sharedReadBuffer.length);
    if (typeof length === 'string' || length === 0) return;
    taker.deliver(sharedReadBuffer, length);
  }
}

/**
 * Whether the kernel has neither bytes nor FIN of the peer. The call consumes the bytes, so it is for connections on which
 * nothing is awaited. Some 5 µs, most of it for the error by which Node says "not yet".
 */
export function isQuiet(socket: Socket): boolean {
  const descriptor = descriptorOf(socket);
  return descriptor === null ? !socket.destroyed : isQuietAt(descriptor);
}

/** The same of an open descriptor. */
export function isQuietAt(descriptor: number): boolean {
  return readSome(descriptor, ahead, 1) === 'EAGAIN';
}

/**
 * A copy of the bytes that have come on an open socket and that Node has not read, at most 16 KiB: the rest is left for Node.
 * Null where there are none, or their number is unknown. Some 5 µs, as `isQuiet`.
 */
export function readAhead(socket: Socket): Uint8Array | null {
  const descriptor = descriptorOf(socket);
  return descriptor === null ? null : readAheadAt(descriptor);
}

/** The same of an open descriptor. */
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

/** Node keeps the descriptor in the handle, which its types do not show. */
function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  const descriptor = handle?.fd;
  return descriptor !== undefined && descriptor >= 0 ? descriptor : null;
}
