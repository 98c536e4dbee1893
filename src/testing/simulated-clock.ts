import { assert } from '../core/assert.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/**
 * Time that moves only by `advance`. Timers due at the same instant fire in the order in which they were set. While a timer
 * fires, `now()` is its due time, so a test in simulated time runs the same way every time.
 *
 * A binary heap holds the timers: to set 100,000 of them, cancel half and fire the rest takes about a tenth of a second.
 * Cancelled ones stay in the heap until they come up or outnumber the others.
 */
export class SimulatedClock implements Clock {
  #now = 0 as Instant;
  #order = 0;
  #live = 0;
  #heap: Entry[] = [];
  #advancing = false;
  #epochMs: number;

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

  /** Sets the wall clock, as an operator or NTP does: instants and timers stay as they are. */
  setWallTime(wallTime: number): void {
    this.#epochMs = wallTime - this.#now;
  }

  schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer {
    assert(!Number.isNaN(at), 'a timer is due at some instant');
    const entry = new Entry(at, this.#order++, fire as (subject: unknown) => void, subject, this.#forget);
    push(this.#heap, entry);
    this.#live++;
    return entry;
  }

  /** Timers that are set, and neither fired nor cancelled. 0 at the end of a test that cleans up. */
  get timersLive(): number {
    return this.#live;
  }

  /** Entries in the heap, including cancelled ones: at most about 64, or twice the number of timers. */
  get timersHeld(): number {
    return this.#heap.length;
  }

  /** When the next timer is due; null without one. */
  get nextDueAt(): Instant | null {
    this.#dropCancelled();
    return this.#heap[0]?.at ?? null;
  }

  /**
   * Moves time forward and fires due timers, including those set meanwhile. Promises settle before each timer. An error
   * thrown by a timer is thrown here, and the clock stays at that timer's instant.
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

  /** As `advance`, but synchronous, for code that uses only callbacks. Promises do not settle in between. */
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
    // Otherwise a timer that is set again for every byte would fill the heap with cancelled entries.
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

  /** A timer object that is still referenced must not keep its argument alive. */
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
