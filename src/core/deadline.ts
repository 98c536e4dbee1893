import { type Clock, type Instant, never, type Timer } from './time.ts';

/**
 * Deadlines that almost never fire, for many connections and one timer.
 *
 * Arming one is a store of a number; nothing is queued, nothing allocated. A sweep every `sweepMs` looks at
 * all of them: 5,000 cost some 30 µs. So a deadline fires up to `sweepMs` late, which its user states.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #sweepMs: number;
  #members: Deadline[] = [];
  #timer: Timer | null = null;

  constructor(clock: Clock, sweepMs = 20) {
    this.#clock = clock;
    this.#sweepMs = sweepMs;
  }

  get size(): number {
    return this.#members.length;
  }

  /** Takes part in sweeps until `remove`. */
  add(deadline: Deadline): void {
    deadline.index = this.#members.push(deadline) - 1;
    if (this.#timer === null) this.#arm();
  }

  remove(deadline: Deadline): void {
    const { index } = deadline;
    if (index < 0) return;
    const last = this.#members.pop() as Deadline;
    if (last !== deadline) {
      this.#members[index] = last;
      last.index = index;
    }
    deadline.index = -1;
  }

  #arm(): void {
    this.#timer = this.#clock.schedule((this.#clock.now() + this.#sweepMs) as Instant, sweep, this);
  }

  /** For `sweep` alone. */
  fireDue(): void {
    this.#timer = null;
    const now = this.#clock.now();
    // Members may leave or come while one fires; walking backwards meets each survivor at least once.
    for (let index = this.#members.length - 1; index >= 0; index--) {
      const deadline = this.#members[index];
      if (deadline === undefined || deadline.at > now) continue;
      deadline.at = never;
      deadline.onExpired(now);
    }
    // Whoever came while one fired has armed it: a second timer would sweep for ever beside the first.
    if (this.#members.length > 0 && this.#timer === null) this.#arm();
  }
}

function sweep(deadlines: Deadlines): void {
  deadlines.fireDue();
}

/** One deadline, owned by what it limits. Set `at` freely; `never` disarms. */
export abstract class Deadline {
  at: Instant = never;
  /** Where `Deadlines` keeps it; −1 while it is not a member. */
  index = -1;
  abstract onExpired(now: Instant): void;
}
