import { assert } from '../core/assert.ts';
import type { Ownership } from '../core/message.ts';
import type { Instant } from '../core/time.ts';

/**
 * One direction of a connection in memory: bytes that the sender has written and the kernel has not accepted, then bytes
 * that the kernel holds up to its window, then a FIN or an RST. The order is never changed.
 *
 *     write ─▶ pending ─▶ │ window: travelling, arrived │ ─▶ take
 */
export class MemoryPipe {
  readonly #windowBytes: number;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #held: Segment[] = [];
  #heldBytes = 0;
  /** Of the held segments, the first ones that have been seen to arrive. */
  #arrived = { segments: 0, bytes: 0 };
  /** How the direction ends, after all bytes that are held, and when the peer can see it. */
  #ending: { readonly kind: 'fin' | 'reset'; readonly at: Instant } | null = null;

  constructor(windowBytes: number) {
    assert(windowBytes >= 1, 'a window lets at least one byte through');
    this.#windowBytes = windowBytes;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Bytes that the kernel holds and the receiver has not taken. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get ending(): 'fin' | 'reset' | null {
    return this.#ending?.kind ?? null;
  }

  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership, arrivesAt: Instant): void {
    // Not `slice`: on a Buffer it makes a view, and the writer's next bytes would show through it.
    const copy = new Uint8Array(bytes.subarray(start, end));
    const original = ownership === 'owned' ? bytes.subarray(start, end) : null;
    this.#pending.push({ copy, original, taken: 0 });
    this.#pendingBytes += copy.length;
    this.flush(arrivesAt);
  }

  /** Moves pending bytes into the window, as far as there is room. Returns true if no byte is pending afterwards. */
  flush(arrivesAt: Instant): boolean {
    const before = this.#pendingBytes;
    while (this.#pending.length > 0) {
      const first = this.#pending[0]!;
      const room = this.#windowBytes - this.#heldBytes;
      const size = Math.min(room, first.copy.length - first.taken);
      if (size === 0 && first.copy.length > 0) break;
      assertUnchanged(first, size);
      this.#hold(first.copy, first.taken, first.taken + size, arrivesAt);
      first.taken += size;
      this.#pendingBytes -= size;
      if (first.taken === first.copy.length) this.#pending.shift();
    }
    return before > 0 && this.#pendingBytes === 0;
  }

  /** A FIN or an RST after the held bytes. Pending bytes are lost. An RST replaces a FIN. */
  finish(kind: 'fin' | 'reset', arrivesAt: Instant): void {
    this.#pending = [];
    this.#pendingBytes = 0;
    if (this.#ending?.kind !== 'reset') this.#ending = { kind, at: arrivesAt };
  }

  /** When the receiver next sees something; null if nothing is on its way. */
  get nextArrival(): Instant | null {
    return this.#held[0]?.at ?? this.#ending?.at ?? null;
  }

  /** Segments arrive in the order in which they were held. */
  arrivedBytes(now: Instant): number {
    const arrived = this.#arrived;
    for (let next = this.#held[arrived.segments]; next !== undefined && next.at <= now; ) {
      arrived.bytes += next.end - next.start;
      next = this.#held[++arrived.segments];
    }
    return arrived.bytes;
  }

  /** Fills `target` with bytes that have arrived. The caller has asked how many there are. */
  take(target: Uint8Array): void {
    let filled = 0;
    while (filled < target.length) {
      const first = this.#held[0]!;
      const size = Math.min(first.end - first.start, target.length - filled);
      copyBytes(first.bytes, first.start, target, filled, size);
      filled += size;
      first.start += size;
      if (first.start < first.end) continue;
      this.#held.shift();
      this.#arrived.segments--;
    }
    this.#heldBytes -= filled;
    this.#arrived.bytes -= filled;
  }

  #hold(bytes: Uint8Array, start: number, end: number, at: Instant): void {
    if (start === end) return;
    this.#held.push({ bytes, start, end, at });
    this.#heldBytes += end - start;
  }
}

interface Pending {
  readonly copy: Uint8Array;
  /** Keeps the writer's own array if the writer promised not to change it. */
  readonly original: Uint8Array | null;
  taken: number;
}

interface Segment {
  readonly bytes: Uint8Array;
  start: number;
  readonly end: number;
  readonly at: Instant;
}

/** Of a few bytes a view costs more than a copy. */
const viewBytesMin = 64;

function copyBytes(from: Uint8Array, start: number, to: Uint8Array, at: number, size: number): void {
  if (size >= viewBytesMin) return to.set(from.subarray(start, start + size), at);
  for (let index = 0; index < size; index++) to[at + index] = from[start + index]!;
}

/** Compares only the array that is being taken: a large write is taken in many steps. */
function assertUnchanged({ copy, original, taken }: Pending, size: number): void {
  if (original === null || size === 0) return;
  const same = Buffer.compare(original.subarray(taken, taken + size), copy.subarray(taken, taken + size)) === 0;
  assert(same, 'bytes written as owned do not change before they are taken');
}
