import { copyBytes } from '../core/copy-bytes.ts';

/** Bytes that are composed, in a buffer that grows. Lives as long as its thread: `clear` starts anew. */
export class GrowingBytes {
  bytes: Buffer;
  length = 0;

  constructor(sizeBytes = 16 * 1024) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
  }

  clear(): void {
    this.length = 0;
  }

  append(source: Uint8Array, start: number, end: number): void {
    this.makeRoom(end - start);
    copyBytes(source, start, end, this.bytes, this.length);
    this.length += end - start;
  }

  /** So many bytes fit in behind `length` afterwards. */
  makeRoom(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    copyBytes(this.bytes, 0, this.length, larger, 0);
    this.bytes = larger;
  }
}
