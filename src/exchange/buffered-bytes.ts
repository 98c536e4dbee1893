import type { BufferAllowance, BufferedDirection } from './buffer-allowance.ts';

/** The smallest block: a body that comes in slices of one byte takes no more memory than one that comes at once. */
const blockBytes = 4096;

interface Block {
  readonly bytes: Uint8Array;
  length: number;
}

/** Copies of body bytes, in their order and in blocks, which count against the allowance of the worker. */
export class BufferedBytes {
  readonly #allowance: BufferAllowance;
  readonly #direction: BufferedDirection;
  #blocks: Block[] = [];
  /** Bytes that count against the allowance, with those that have been taken of blocks that are kept. */
  #counted = 0;
  #taken = 0;
  /** Bytes of the body that are here. */
  length = 0;

  constructor(allowance: BufferAllowance, direction: BufferedDirection) {
    this.#allowance = allowance;
    this.#direction = direction;
  }

  /** Keeps a copy of bytes [start, end). False, and nothing is kept, if the allowance is used up. */
  tryAdd(bytes: Uint8Array, start: number, end: number): boolean {
    const last = this.#blocks.at(-1);
    const room = last === undefined ? 0 : Math.min(end - start, last.bytes.length - last.length);
    const rest = end - start - room;
    if (rest > 0) {
      const size = Math.max(blockBytes, rest);
      if (!this.#allowance.tryTake(this.#direction, size)) return false;
      this.#counted += size;
      this.#addBlock(size, bytes, start + room, end);
    }
    if (room > 0 && last !== undefined) {
      last.bytes.set(bytes.subarray(start, start + room), last.length);
      last.length += room;
    }
    this.length += end - start;
    return true;
  }

  #addBlock(size: number, bytes: Uint8Array, start: number, end: number): void {
    const block = { bytes: Buffer.allocUnsafeSlow(size), length: end - start };
    block.bytes.set(bytes.subarray(start, end));
    this.#blocks.push(block);
  }

  /** Keeps a copy of what has come already when the allowance is used up. */
  addUncounted(bytes: Uint8Array, start: number, end: number): void {
    this.#addBlock(end - start, bytes, start, end);
    this.length += end - start;
  }

  /** All bytes, which stay here and must not change. */
  all(): Uint8Array[] {
    return this.#blocks.map(({ bytes, length }) => bytes.subarray(0, length));
  }

  /** The next bytes, which the caller owns; null: there are none. They count until `giveBackTaken`. */
  take(): Uint8Array | null {
    const block = this.#blocks.shift();
    if (block === undefined) return null;
    this.length -= block.length;
    this.#taken += block.bytes.length;
    return block.bytes.subarray(0, block.length);
  }

  /** The bytes that were taken have been sent. */
  giveBackTaken(): void {
    this.#giveBack(this.#taken);
  }

  /** Forgets all bytes. */
  release(): void {
    this.#blocks = [];
    this.length = 0;
    this.#giveBack(this.#counted);
  }

  #giveBack(bytes: number): void {
    if (bytes > 0) this.#allowance.giveBack(this.#direction, bytes);
    this.#counted -= bytes;
    this.#taken = 0;
  }
}
