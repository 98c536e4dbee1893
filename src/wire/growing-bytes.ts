import { copyBytes } from '../core/copy-bytes.ts';

const sizeBytes = 16 * 1024;

/** Bytes that are composed, in a buffer that grows. Lives as long as its thread: `clear` starts anew. */
export class GrowingBytes {
  bytes: Buffer = Buffer.allocUnsafeSlow(sizeBytes);
  length = 0;

  clear(): void {
    this.length = 0;
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
