import { assert } from '../core/assert.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/**
 * Time that moves only when told to. Timers due at the same instant fire in the order they were set, and
 * while one fires `now()` is its due time, so a journey in simulated time is the same journey every time.
 *
 * A binary heap holds the timers: 100,000 of them are set, half of them cancelled and the rest fired in about
 * a tenth of a second. Cancelled ones stay in the heap until they come up or outnumber the living.
 */
export class SimulatedClock implements Clock {
  #now = 0 as Instant;
  #order = 0;
  #live = 0;
  #heap: Entry[] = [];
  #advancing = false;
  readonly #epochMs: number;

  /** `epochMs`: the wall time at instant 0, milliseconds since the Unix epoch. */
  constructor(epochMs: number = Date.UTC(2026, 0, 1)) {
    this.#epochMs = epochMs;
  }

  now(): Instant {
    return this.#now;
  }

  wallTime(): number {
    return this.#epochMs + this.#now;
  }

  schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer {
    assert(!Number.isNaN(at), 'a timer is due at some instant');
    const entry = new Entry(at, this.#order++, fire as (subject: unknown) => void, subject, this.#forget);
    push(this.#heap, entry);
    this.#live++;
    return entry;
  }

  /** Timers that are set, and neither fired nor cancelled. After a test of anything that ends: 0. */
  get timersLive(): number {
    return this.#live;
  }

  /** Entries in the heap, cancelled ones included: some 64, or twice the living. */
  get timersHeld(): number {
    return this.#heap.length;
  }

  /** When the next timer is due; null when none is set. */
  get nextDueAt(): Instant | null {
    this.#dropCancelled();
    return this.#heap[0]?.at ?? null;
  }

  /**
   * Moves time forward, firing what falls due, timers set on the way included, and lets promises settle
   * before each. What a timer throws comes out of here; the clock then stands at that timer's instant.
   */
  async advance(durationMs: number): Promise<void> {
    const end = this.#begin(durationMs);
    try {
      await settle();
      while (this.#fireNext(end)) await settle();
      this.#now = end;
    } finally {
      this.#advancing = false;
    }
  }

  /** As `advance`, at once: for code that waits by callback only. Promises do not settle in between. */
  advanceSync(durationMs: number): void {
    const end = this.#begin(durationMs);
    try {
      while (this.#fireNext(end));
      this.#now = end;
    } finally {
      this.#advancing = false;
    }
  }

  #begin(durationMs: number): Instant {
    assert(durationMs >= 0 && Number.isFinite(durationMs), 'time moves forward, by a finite step');
    assert(!this.#advancing, 'nobody moves time while it is moving');
    this.#advancing = true;
    return after(this.#now, durationMs);
  }

  #fireNext(end: Instant): boolean {
    this.#dropCancelled();
    const due = this.#heap[0];
    if (due === undefined || due.at > end) return false;
    pop(this.#heap);
    this.#live--;
    if (due.at > this.#now) this.#now = due.at;
    due.fireOnce();
    return true;
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.live === false) pop(this.#heap);
  }

  #forget = (): void => {
    this.#live--;
    // Without this, a timer that is set again on every byte would fill the heap with the dead.
    if (this.#heap.length > 64 && this.#live * 2 < this.#heap.length) this.#rebuild();
  };

  #rebuild(): void {
    const living = this.#heap.filter((entry) => entry.live);
    // A sorted array is a heap.
    this.#heap = living.sort((a, b) => (before(a, b) ? -1 : 1));
  }
}

class Entry implements Timer {
  readonly at: Instant;
  readonly order: number;
  live = true;
  #fire: ((subject: unknown) => void) | null;
  #subject: unknown;
  readonly #forget: () => void;

  constructor(at: Instant, order: number, fire: (subject: unknown) => void, subject: unknown, forget: () => void) {
    this.at = at;
    this.order = order;
    this.#fire = fire;
    this.#subject = subject;
    this.#forget = forget;
  }

  fireOnce(): void {
    const fire = this.#fire;
    const subject = this.#subject;
    this.#letGo();
    fire?.(subject);
  }

  cancel(): void {
    if (!this.live) return;
    this.#letGo();
    this.#forget();
  }

  /** A timer that somebody keeps must not keep its subject. */
  #letGo(): void {
    this.live = false;
    this.#fire = null;
    this.#subject = null;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Entry[], entry: Entry): void {
  let position = heap.length;
  while (position > 0) {
    const parent = (position - 1) >> 1;
    if (!before(entry, heap[parent]!)) break;
    heap[position] = heap[parent]!;
    position = parent;
  }
  heap[position] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop()!;
  const size = heap.length;
  if (size === 0) return;
  let position = 0;
  for (;;) {
    let child = 2 * position + 1;
    if (child >= size) break;
    if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[position] = heap[child]!;
    position = child;
  }
  heap[position] = last;
}

/** Sixteen turns: enough for an await inside an await inside an await, a few levels deep. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 16; turn++) await Promise.resolve();
}
