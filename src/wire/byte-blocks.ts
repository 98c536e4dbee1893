/** The smallest block: what comes in slices of one byte takes no more memory than what comes at once. */
const blockBytesMin = 4096;

interface Block {
  readonly bytes: Buffer;
  length: number;
}

/** Copies of bytes that wait, in their order and in blocks. */
export class ByteBlocks {
  #blocks: Block[] = [];
  /** Bytes that wait. */
  length = 0;
  /** What the blocks take. */
  allocatedBytes = 0;

  /** How much more memory so many bytes take. */
  spaceFor(bytes: number): number {
    const rest = bytes - this.#roomInLast;
    return rest <= 0 ? 0 : Math.max(blockBytesMin, rest);
  }

  get #roomInLast(): number {
    const last = this.#blocks.at(-1);
    return last === undefined ? 0 : last.bytes.length - last.length;
  }

  /** Keeps a copy of bytes [start, end). */
  add(bytes: Uint8Array, start: number, end: number): void {
    const stop = Math.min(end, start + this.#roomInLast);
    const space = this.spaceFor(end - start);
    const last = this.#blocks.at(-1);
    if (last !== undefined) append(last, bytes, start, stop);
    this.length += end - start;
    if (space === 0) return;
    const block = { bytes: Buffer.allocUnsafeSlow(space), length: 0 };
    append(block, bytes, stop, end);
    this.#blocks.push(block);
    this.allocatedBytes += space;
  }

  /** All bytes, which stay here and must not change. */
  all(): Buffer[] {
    return this.#blocks.map(({ bytes, length }) => bytes.subarray(0, length));
  }

  /** The next bytes, which are the caller's from now on; null: there are none. */
  take(): Buffer | null {
    const block = this.#blocks.shift();
    if (block === undefined) return null;
    this.length -= block.length;
    this.allocatedBytes -= block.bytes.length;
    return block.bytes.subarray(0, block.length);
  }

  /** Forgets all bytes. Returns how many they were. */
  drop(): number {
    const { length } = this;
    this.#blocks = [];
    this.length = 0;
    this.allocatedBytes = 0;
    return length;
  }
}

function append(block: Block, bytes: Uint8Array, start: number, end: number): void {
  block.bytes.set(bytes.subarray(start, end), block.length);
  block.length += end - start;
}
