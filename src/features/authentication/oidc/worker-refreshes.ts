import { hash } from 'node:crypto';
import { refreshCells } from './settings.ts';

/**
 * Who refreshes the tokens of a session: providers take a refresh token once, and end a session whose token comes twice. One worker begins each refresh;
 * what the others see is that it has begun. A cell that another session takes over forgets the one before.
 */
export class Refreshes {
  readonly #cells: Int32Array;

  constructor(shared: SharedArrayBuffer | null) {
    this.#cells = new Int32Array(shared ?? new SharedArrayBuffer(refreshCells * 4));
  }

  /** False: it has begun before, here or in another worker. */
  begin(id: string): boolean {
    const [at, tag] = this.#cellOf(id);
    for (;;) {
      const there = Atomics.load(this.#cells, at);
      if (there === tag) return false;
      if (Atomics.compareExchange(this.#cells, at, there, tag) === there) return true;
    }
  }

  /** The provider did not get it: the next request may begin it again. */
  undo(id: string): void {
    const [at, tag] = this.#cellOf(id);
    Atomics.compareExchange(this.#cells, at, tag, 0);
  }

  #cellOf(id: string): readonly [at: number, tag: number] {
    const bytes = hash('sha256', id, 'buffer');
    return [bytes.readUInt32LE(0) % this.#cells.length, bytes.readInt32LE(4) || 1];
  }
}
