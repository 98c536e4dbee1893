import { partBytes } from './worker-warm-parts.ts';

/**
 * Buffers into which parts of files are read. Memory that is touched for the first time costs more than the reading, so a few are used again.
 * A part is as large as the second cache of a processor allows: the kernel copies it in, and out to the client's connection. Measured for 10 MB, in turns:
 * parts of 256 KiB took 0.88 of the processor time of those of 128, and those of 1 MiB 0.79, for four times the memory.
 */
const smallBytes = 64 * 1024;

/** Responses of a worker that have a large buffer at a time: 16 MiB. Others get small ones, and so do slow clients beyond the first few. */
const largeMax = 64;
const largeOfSlowMax = 16;

const freeLarge: Uint8Array[] = [];
const freeSmall: Uint8Array[] = [];
const freeMax = 16;
let largeInUse = 0;

/** `giveBuffer` follows. */
export function takeBuffer(isForSlow: boolean): Uint8Array {
  if (largeInUse >= (isForSlow ? largeOfSlowMax : largeMax)) return freeSmall.pop() ?? newBuffer(smallBytes);
  largeInUse++;
  return freeLarge.pop() ?? newBuffer(partBytes);
}

const newBuffer = (bytes: number): Uint8Array => Buffer.allocUnsafeSlow(bytes);

/** `mayReuse`: nothing uses its bytes any more. */
export function giveBuffer(buffer: Uint8Array, mayReuse: boolean): void {
  const free = buffer.length === partBytes ? freeLarge : freeSmall;
  if (free === freeLarge) largeInUse--;
  if (mayReuse && free.length < freeMax) free.push(buffer);
}
