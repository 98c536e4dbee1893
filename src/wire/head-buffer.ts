import { copyBytes } from '../core/copy-bytes.ts';
import type { HeadBlock, HeadStorage } from './head-storage.ts';
import { copyStepBytes } from './limits.ts';

/**
 * The bytes of one head, which outlives the reader's buffer: copied part by part into a block of the storage, which grows
 * with them up to the limit.
 */
export class HeadBuffer {
  bytesHeld = 0;
  block: HeadBlock | null = null;
  readonly #storage: HeadStorage;
  readonly #bytesMax: number;

  constructor(storage: HeadStorage, bytesMax: number) {
    this.#storage = storage;
    this.#bytesMax = bytesMax;
  }

  /** Copies some of the bytes [start, end), a step that is worth looking at; null when the head may not be longer. */
  append(bytes: Uint8Array, start: number, end: number): HeadBlock | null {
    const held = this.bytesHeld;
    const room = this.#bytesMax - held;
    if (room === 0) return null;
    const step = Math.min(end - start, copyStepBytes, room);
    const block = this.#roomFor(held + step);
    copyBytes(bytes, start, start + step, block.bytes, held);
    this.bytesHeld = held + step;
    return block;
  }

  /** Another block, with room for `more` further bytes, takes the place of the one that `write` reads. */
  replace(more: number, write: (from: HeadBlock, into: HeadBlock) => void): HeadBlock {
    const from = this.block ?? this.#roomFor(0);
    const into = this.#storage.acquire(this.bytesHeld + more);
    write(from, into);
    this.#storage.release(from);
    this.block = into;
    return into;
  }

  /** Gives the block back. */
  clear(): void {
    if (this.block !== null) this.#storage.release(this.block);
    this.block = null;
    this.bytesHeld = 0;
  }

  #roomFor(needed: number): HeadBlock {
    let { block } = this;
    if (block === null) block = this.#storage.acquire(needed);
    else if (needed > block.bytes.length) block = this.#storage.enlarge(block, this.bytesHeld, needed);
    this.block = block;
    return block;
  }
}
