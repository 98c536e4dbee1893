import { hash } from 'node:crypto';
import { refreshCells } from './settings.ts';

/**
 * What all workers know of sessions, whose contents lie in browsers. Providers take a refresh token once, and end a session whose token comes twice: one
 * worker begins each refresh, and the others see that it has begun. And a session that has ended is not to be used with a copy of its cookie.
 * A cell that another session takes over forgets the one before: then its tokens, which are worth nothing, end it at the next refresh.
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

  /** Nobody comes in with it any more. */
  end(session: string): void {
    const [at, tag] = this.#cellOf(`end ${session}`);
    Atomics.store(this.#cells, at, tag);
  }

  hasEnded(session: string): boolean {
    const [at, tag] = this.#cellOf(`end ${session}`);
    return Atomics.load(this.#cells, at) === tag;
  }

  #cellOf(id: string): readonly [at: number, tag: number] {
    const bytes = hash('sha256', id, 'buffer');
    return [bytes.readUInt32LE(0) % this.#cells.length, bytes.readInt32LE(4) || 1];
  }
}
