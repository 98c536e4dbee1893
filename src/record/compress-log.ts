import { fstatSync, readSync, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { CoreShare } from './core-share.ts';
import { compressSlice, endOfSlice, type LogArchive, sliceBytes } from './log-slice.ts';

/** How the compression of a file ended. */
type CompressionEnd =
  | { readonly kind: 'complete'; readonly bytes: number }
  /** The share allows no further step: the log is being closed. */
  | { readonly kind: 'stopped' }
  /** It was written to or truncated since compression began. */
  | { readonly kind: 'changed' }
  /** The file has been removed meanwhile, since others were rotated before it was compressed. */
  | { readonly kind: 'deleted' };

/**
 * Compresses `from` into `to`, slice by slice, and rests after each slice as the share demands. Slices end at line ends.
 * Throws errors of the file system.
 *
 * Reads and writes on this thread: each step through Node's thread pool and back cost as much CPU as compressing its slice
 * (`npm run bench:compress`). For a slice that is a copy within memory, unless the disk is slow; then the log waits for it too.
 */
export async function compressLog(
  from: FileHandle,
  to: FileHandle,
  archive: LogArchive,
  share: CoreShare,
): Promise<CompressionEnd> {
  share.begin();
  const { size } = await from.stat();
  const slices = new SliceReader(from);
  for (;;) {
    const slice = slices.next();
    if (slice === null) return slices.bytesRead === size ? { kind: 'complete', bytes: size } : { kind: 'changed' };
    writeAll(to, compressSlice(slice, archive));
    const now = fstatSync(from.fd);
    if (now.nlink === 0) return { kind: 'deleted' };
    if (now.size !== size) return { kind: 'changed' };
    if (!(await share.rest())) return { kind: 'stopped' };
  }
}

function writeAll({ fd }: FileHandle, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

class SliceReader {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafeSlow(sliceBytes);
  #bytesRead = 0;
  /** Bytes [start, end) of the buffer are read, and not yet part of a slice. */
  #start = 0;
  #end = 0;
  #isFirst = true;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** The next bytes, valid until the next call; null at the end. An empty file has one empty slice: no bytes are no archive. */
  next(): Uint8Array | null {
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const isAtEnd = this.#fill();
    if (this.#end === 0 && !this.#isFirst) return null;
    this.#isFirst = false;
    const slice = this.#buffer.subarray(0, this.#end);
    this.#start = isAtEnd ? this.#end : endOfSlice(slice);
    return slice.subarray(0, this.#start);
  }

  #fill(): boolean {
    while (this.#end < sliceBytes) {
      const bytesRead = readSync(this.#file.fd, this.#buffer, this.#end, sliceBytes - this.#end, this.#bytesRead);
      if (bytesRead === 0) return true;
      this.#bytesRead += bytesRead;
      this.#end += bytesRead;
    }
    return false;
  }
}
