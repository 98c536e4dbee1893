import { assert } from '../core/assert.ts';
import { copyOctets } from '../core/copy-octets.ts';

/** Larger pieces are worth a system call of their own, and are not copied. */
export const heldPieceOctetsMax = 16 * 1024;

/** Room for what 64 busy connections answer in one turn; what does not fit leaves at once. */
const slabOctets = 128 * 1024;

/**
 * Small pieces wait here for the end of the event loop's turn, and leave then one after another.
 *
 * Measured, in place, at 64 busy connections: an exchange costs a quarter less CPU (62 µs to 45). Our own code runs
 * without system calls that push it out of the processor's caches, the kernel's likewise, and the peers are woken
 * once a turn instead of once a write. With one connection a turn is one read long: nothing waits that would not have.
 *
 * It also means that a connection whose end has already come is known to have ended before anything is sent on it.
 */
export class Outbox {
  readonly #atEndOfTurn: (flush: () => void) => void;
  #slab: Buffer = Buffer.allocUnsafeSlow(slabOctets);
  #used = 0;
  readonly #holders: (OutboxHolder | null)[] = [];
  readonly #ends: number[] = [];
  #isFlushing = false;

  constructor(atEndOfTurn: (flush: () => void) => void) {
    this.#atEndOfTurn = atEndOfTurn;
  }

  /** Takes a copy of [start, end), at most `heldPieceOctetsMax` octets. */
  hold(holder: OutboxHolder, octets: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#used + length > slabOctets) this.flush();
    copyOctets(octets, start, end, this.#slab, this.#used);
    this.#used += length;
    holder.heldOctets += length;
    const count = this.#holders.length;
    if (count > 0 && this.#holders[count - 1] === holder) {
      this.#ends[count - 1] = this.#used;
      return;
    }
    this.#holders.push(holder);
    this.#ends.push(this.#used);
    if (count === 0) this.#atEndOfTurn(this.flush);
  }

  /** Forgets what waits here for `holder`; returns a copy of it, behind what was refused before. */
  takeBack(holder: OutboxHolder): Uint8Array {
    const pieces: Uint8Array[] = [holder.refused];
    for (let index = 0; index < this.#holders.length; index++) {
      if (this.#holders[index] !== holder) continue;
      pieces.push(this.#slab.subarray(this.#ends[index - 1] ?? 0, this.#ends[index]));
      this.#holders[index] = null;
    }
    holder.heldOctets = 0;
    holder.refused = nothing;
    return Buffer.concat(pieces);
  }

  /** Hands everything to the system, in the order in which it came. */
  readonly flush = (): void => {
    // What is sent twice would be a request twice: no holder calls anybody back from `sendHeld`.
    assert(!this.#isFlushing, 'nobody is called back while held octets leave');
    this.#isFlushing = true;
    try {
      this.#sendAll();
    } finally {
      this.#isFlushing = false;
      if (this.#holders.length > 0) this.#atEndOfTurn(this.flush); // One has failed, and kept the others from leaving.
    }
  };

  #sendAll(): void {
    const slab = this.#slab;
    let at = 0;
    let isPending = false;
    for (let index = 0; index < this.#holders.length; index++) {
      const holder = this.#holders[index] ?? null;
      const end = this.#ends[index] as number;
      this.#holders[index] = null; // Before it leaves: whatever happens, it leaves once.
      if (holder !== null && !holder.sendHeld(slab.subarray(at, end))) isPending = true;
      at = end;
    }
    this.#holders.length = 0;
    this.#ends.length = 0;
    this.#used = 0;
    // Octets that wait are never overwritten: what is pending keeps this slab.
    if (isPending) this.#slab = Buffer.allocUnsafeSlow(slabOctets);
  }
}

/** Whose octets wait here. */
export interface OutboxHolder {
  heldOctets: number;
  /** Hands a piece of what is held to the system. False: some of it is pending, and stays where it is. */
  sendHeld(piece: Uint8Array): boolean;
  /** What the system would not have, because the connection had ended; at most what was held. */
  refused: Uint8Array;
}

/** For a holder of whose octets none was refused. */
export const nothing: Uint8Array = new Uint8Array(0);

/** The outbox of this thread. */
export const outbox: Outbox = new Outbox((flush) => void setImmediate(flush));
