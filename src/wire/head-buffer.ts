import { copyOctets } from '../core/copy-octets.ts';
import type { HeadBlock, HeadStorage } from './head-storage.ts';
import { copyStepOctets } from './limits.ts';

/**
 * The octets of one head, which outlives the reader's buffer: copied piece by piece into a block of the storage, which
 * grows with them up to the limit.
 */
export class HeadBuffer {
  octetsHeld = 0;
  block: HeadBlock | null = null;
  readonly #storage: HeadStorage;
  readonly #octetsMax: number;

  constructor(storage: HeadStorage, octetsMax: number) {
    this.#storage = storage;
    this.#octetsMax = octetsMax;
  }

  /** Copies some of the octets [start, end), a step that is worth looking at; null when the head may not be longer. */
  append(octets: Uint8Array, start: number, end: number): HeadBlock | null {
    const held = this.octetsHeld;
    const room = this.#octetsMax - held;
    if (room === 0) return null;
    const step = Math.min(end - start, copyStepOctets, room);
    const block = this.#roomFor(held + step);
    copyOctets(octets, start, start + step, block.octets, held);
    this.octetsHeld = held + step;
    return block;
  }

  /** Gives the block back. */
  clear(): void {
    if (this.block !== null) this.#storage.give(this.block);
    this.block = null;
    this.octetsHeld = 0;
  }

  #roomFor(needed: number): HeadBlock {
    let { block } = this;
    if (block === null) block = this.#storage.take(needed);
    else if (needed > block.octets.length) block = this.#storage.enlarge(block, this.octetsHeld, needed);
    this.block = block;
    return block;
  }
}
