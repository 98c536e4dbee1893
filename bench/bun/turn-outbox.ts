/** As in src/transport/outbox.ts, which knows Node's sockets: larger pieces are worth a system call of their own. */
export const heldPieceOctetsMax = 8 * 1024;

const slabOctets = 128 * 1024;

/** Whose octets wait here. */
export interface HeldOctetsOwner {
  heldOctets: number;
  /** Takes [start, end) for good: what it cannot send it copies. */
  sendHeld(octets: Uint8Array, start: number, end: number): void;
}

/** Small pieces wait here for the end of the event loop's turn, and leave then one connection after another. */
class TurnOutbox {
  readonly #slab = new Uint8Array(slabOctets);
  #used = 0;
  readonly #owners: (HeldOctetsOwner | null)[] = [];
  readonly #ends: number[] = [];

  hold(owner: HeldOctetsOwner, octets: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#used + length > slabOctets) this.flush();
    this.#slab.set(octets.subarray(start, end), this.#used);
    this.#used += length;
    owner.heldOctets += length;
    const count = this.#owners.length;
    if (count > 0 && this.#owners[count - 1] === owner) {
      this.#ends[count - 1] = this.#used;
      return;
    }
    this.#owners.push(owner);
    this.#ends.push(this.#used);
    if (count === 0) setImmediate(this.flush);
  }

  /** Forgets what waits here for `owner`; returns a copy of it. */
  takeBack(owner: HeldOctetsOwner): Uint8Array {
    const pieces: Uint8Array[] = [];
    for (let index = 0; index < this.#owners.length; index++) {
      if (this.#owners[index] !== owner) continue;
      pieces.push(this.#slab.subarray(this.#ends[index - 1] ?? 0, this.#ends[index]));
      this.#owners[index] = null;
    }
    owner.heldOctets = 0;
    return Buffer.concat(pieces);
  }

  readonly flush = (): void => {
    let at = 0;
    for (let index = 0; index < this.#owners.length; index++) {
      const owner = this.#owners[index] ?? null;
      const end = this.#ends[index] as number;
      if (owner !== null) {
        owner.heldOctets = 0;
        owner.sendHeld(this.#slab, at, end);
      }
      at = end;
    }
    this.#owners.length = 0;
    this.#ends.length = 0;
    this.#used = 0;
  };
}

export const turnOutbox: TurnOutbox = new TurnOutbox();
