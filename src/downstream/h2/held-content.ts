/** A block of held bytes. What comes in frames of one byte takes no more memory than what comes at once. */
const blockBytes = 4096;

interface Block {
  readonly bytes: Buffer;
  length: number;
}

/** Content that came before the exchange wants it, in its order: at most as much as the stream's window. */
export class HeldContent {
  readonly #blocks: Block[] = [];
  /** Held bytes. */
  length = 0;
  /** What the blocks take: for tests. */
  allocatedBytes = 0;

  /** Keeps a copy of bytes [start, end). */
  add(bytes: Uint8Array, start: number, end: number): void {
    this.length += end - start;
    let at = start;
    const last = this.#blocks.at(-1);
    if (last !== undefined) {
      const stop = Math.min(end, at + last.bytes.length - last.length);
      last.bytes.set(bytes.subarray(at, stop), last.length);
      last.length += stop - at;
      at = stop;
    }
    if (at === end) return;
    const block = { bytes: Buffer.allocUnsafeSlow(Math.max(blockBytes, end - at)), length: end - at };
    block.bytes.set(bytes.subarray(at, end), 0);
    this.allocatedBytes += block.bytes.length;
    this.#blocks.push(block);
  }

  /** The next bytes, which are held no more; null: there are none. */
  take(): Buffer | null {
    const block = this.#blocks.shift();
    if (block === undefined) return null;
    this.length -= block.length;
    this.allocatedBytes -= block.bytes.length;
    return block.bytes.subarray(0, block.length);
  }

  /** Forgets everything. Returns how many bytes that were. */
  drop(): number {
    const { length } = this;
    this.#blocks.length = 0;
    this.length = 0;
    this.allocatedBytes = 0;
    return length;
  }
}
