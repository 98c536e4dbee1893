import { ByteBlocks } from '../wire/byte-blocks.ts';
import type { BufferAllowance, BufferedDirection } from './buffer-allowance.ts';

/** Copies of body bytes, in their order, whose memory counts against the allowance of the worker. */
export class BufferedBytes {
  readonly #allowance: BufferAllowance;
  readonly #direction: BufferedDirection;
  readonly #blocks = new ByteBlocks();
  /** What counts against the allowance: blocks that are here, and those that have been taken and not been given back. */
  #counted = 0;
  #taken = 0;

  constructor(allowance: BufferAllowance, direction: BufferedDirection) {
    this.#allowance = allowance;
    this.#direction = direction;
  }

  /** Bytes of the body that are here. */
  get length(): number {
    return this.#blocks.length;
  }

  /** Keeps a copy of bytes [start, end). False, and nothing is kept, if the allowance is used up. */
  tryAdd(bytes: Uint8Array, start: number, end: number): boolean {
    const space = this.#blocks.spaceFor(end - start);
    if (space > 0 && !this.#allowance.tryTake(this.#direction, space)) return false;
    this.#counted += space;
    this.#blocks.add(bytes, start, end);
    return true;
  }

  /** Keeps a copy of what has come already when the allowance is used up. */
  addUncounted(bytes: Uint8Array, start: number, end: number): void {
    this.#blocks.add(bytes, start, end);
  }

  /** All bytes, which stay here and must not change. */
  all(): Uint8Array[] {
    return this.#blocks.all();
  }

  /** The next bytes, which the caller owns; null: there are none. They count until `giveBackTaken`. */
  take(): Uint8Array | null {
    const before = this.#blocks.allocatedBytes;
    const bytes = this.#blocks.take();
    this.#taken += before - this.#blocks.allocatedBytes;
    return bytes;
  }

  /** The bytes that were taken have been sent. */
  giveBackTaken(): void {
    this.#giveBack(Math.min(this.#taken, this.#counted));
  }

  /** Forgets all bytes. */
  release(): void {
    this.#blocks.drop();
    this.#giveBack(this.#counted);
  }

  #giveBack(bytes: number): void {
    if (bytes > 0) this.#allowance.giveBack(this.#direction, bytes);
    this.#counted -= bytes;
    this.#taken = 0;
  }
}
