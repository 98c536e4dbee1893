import { assert } from '../core/assert.ts';
import type { Ownership } from '../core/message.ts';
import type { Instant } from '../core/time.ts';

/**
 * One direction of a connection in memory: what the sender has written and the kernel has not taken, then what
 * the kernel holds up to its window, then a FIN or an RST. Nothing overtakes.
 *
 *     write ─▶ pending ─▶ │ window: travelling, arrived │ ─▶ take
 */
export class MemoryPipe {
  readonly #windowOctets: number;
  #pending: Pending[] = [];
  #pendingOctets = 0;
  #held: Segment[] = [];
  #heldOctets = 0;
  /** How the direction ends, behind all octets that are held, and when the peer can see it. */
  #ending: { readonly kind: 'fin' | 'reset'; readonly at: Instant } | null = null;

  constructor(windowOctets: number) {
    assert(windowOctets >= 1, 'a window lets at least one octet through');
    this.#windowOctets = windowOctets;
  }

  get pendingOctets(): number {
    return this.#pendingOctets;
  }

  /** Octets that the kernel holds and the receiver has not been given. */
  get heldOctets(): number {
    return this.#heldOctets;
  }

  get ending(): 'fin' | 'reset' | null {
    return this.#ending?.kind ?? null;
  }

  write(octets: Uint8Array, start: number, end: number, ownership: Ownership, arrivesAt: Instant): void {
    // Not `slice`: on a Buffer it makes a view, and the writer's next octets would show through it.
    const copy = new Uint8Array(octets.subarray(start, end));
    const original = ownership === 'owned' ? octets.subarray(start, end) : null;
    this.#pending.push({ copy, original, taken: 0 });
    this.#pendingOctets += copy.length;
    this.flush(arrivesAt);
  }

  /** Moves what is pending into the window, as far as it goes. True when that emptied what was pending. */
  flush(arrivesAt: Instant): boolean {
    const before = this.#pendingOctets;
    while (this.#pending.length > 0) {
      const first = this.#pending[0]!;
      const room = this.#windowOctets - this.#heldOctets;
      const size = Math.min(room, first.copy.length - first.taken);
      if (size === 0 && first.copy.length > 0) break;
      assertUnchanged(first, size);
      this.#hold(first.copy.subarray(first.taken, first.taken + size), arrivesAt);
      first.taken += size;
      this.#pendingOctets -= size;
      if (first.taken === first.copy.length) this.#pending.shift();
    }
    return before > 0 && this.#pendingOctets === 0;
  }

  /** A FIN, or an RST, behind what is held. What is still pending is lost. An RST replaces a FIN. */
  finish(kind: 'fin' | 'reset', arrivesAt: Instant): void {
    this.#pending = [];
    this.#pendingOctets = 0;
    if (this.#ending?.kind !== 'reset') this.#ending = { kind, at: arrivesAt };
  }

  /** When the receiver can next see something; null while nothing is on its way. */
  get nextArrival(): Instant | null {
    return this.#held[0]?.at ?? this.#ending?.at ?? null;
  }

  arrivedOctets(now: Instant): number {
    let sum = 0;
    for (const segment of this.#held) {
      if (segment.at > now) break;
      sum += segment.octets.length;
    }
    return sum;
  }

  /** Fills `target` with octets that have arrived; the caller has asked how many there are. */
  take(target: Uint8Array): void {
    let filled = 0;
    while (filled < target.length) {
      const first = this.#held[0]!;
      const size = Math.min(first.octets.length, target.length - filled);
      target.set(first.octets.subarray(0, size), filled);
      filled += size;
      if (size === first.octets.length) this.#held.shift();
      else first.octets = first.octets.subarray(size);
    }
    this.#heldOctets -= filled;
  }

  #hold(octets: Uint8Array, at: Instant): void {
    if (octets.length === 0) return;
    this.#held.push({ octets, at });
    this.#heldOctets += octets.length;
  }
}

interface Pending {
  readonly copy: Uint8Array;
  /** The writer's own octets, where it said it would leave them alone. */
  readonly original: Uint8Array | null;
  taken: number;
}

interface Segment {
  octets: Uint8Array;
  readonly at: Instant;
}

/** Looks at the run that is being taken, and at no more: a large piece is taken in many. */
function assertUnchanged({ copy, original, taken }: Pending, size: number): void {
  if (original === null) return;
  const same = Buffer.compare(original.subarray(taken, taken + size), copy.subarray(taken, taken + size)) === 0;
  assert(same, 'octets written as owned do not change before they are taken');
}
