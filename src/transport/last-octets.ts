import { readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { sharedReadBuffer } from './read-buffers.ts';

/** Who takes what is left. */
export interface LastOctetsTaker {
  deliver(octets: Uint8Array, length: number): void;
}

/**
 * Reads what the kernel still holds of a plain connection before it is closed because a write has failed.
 *
 * An endpoint may answer a request that it does not read to its end, and close. Our next write then fails, and Node
 * closes the socket at once, with the answer in it unread: but an RST takes nothing away that has come before it.
 * Node has no such read, so this one goes to the descriptor itself; where there is none, nothing is lost that was not.
 */
export function saveLastOctets(socket: Socket, taker: LastOctetsTaker): void {
  const close = socket._destroy.bind(socket);
  socket._destroy = (error, done) => {
    if (error !== null && error !== undefined) readAll(descriptorOf(socket), taker);
    close(error, done);
  };
}

function readAll(descriptor: number | null, taker: LastOctetsTaker): void {
  if (descriptor === null) return;
  for (;;) {
    const length = readSome(descriptor);
    if (length === 0) return;
    taker.deliver(sharedReadBuffer, length);
  }
}

/** Zero at the end, at an error, and when nothing is there. */
function readSome(descriptor: number): number {
  try {
    return readSync(descriptor, sharedReadBuffer, 0, sharedReadBuffer.length, null);
  } catch {
    return 0; // ECONNRESET behind the last octet, or EAGAIN: either way there is no more.
  }
}

/** Node keeps it in the handle, which its types do not show. */
function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  const descriptor = handle?.fd;
  return descriptor !== undefined && descriptor >= 0 ? descriptor : null;
}
