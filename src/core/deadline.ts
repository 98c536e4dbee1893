import { type Clock, type Instant, never, type Timer } from './time.ts';

/**
 * Deadlines of many connections on one timer, for deadlines that almost never fire.
 *
 * Setting one is a store of a number; nothing is queued or allocated. Every `sweepMs` a sweep reads all of them: 5,000 take
 * some 30 µs. So a deadline fires up to `sweepMs` late.
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

  /** Sweeps include the deadline until `remove`. */
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

  /** Called by `sweep` only. */
  fireDue(): void {
    this.#timer = null;
    const now = this.#clock.now();
    // A deadline that fires may add and remove others. Walking backwards reaches each remaining one at least once.
    for (let index = this.#members.length - 1; index >= 0; index--) {
      const deadline = this.#members[index];
      if (deadline === undefined || deadline.at > now) continue;
      deadline.at = never;
      deadline.onExpired(now);
    }
    // A deadline added while one fired has set the timer already; a second timer would run forever beside it.
    if (this.#members.length > 0 && this.#timer === null) this.#arm();
  }
}

function sweep(deadlines: Deadlines): void {
  deadlines.fireDue();
}

/** One deadline, owned by the object that it limits. The owner sets `at` at any time; `never` turns it off. */
export abstract class Deadline {
  at: Instant = never;
  /** Its index in `Deadlines`; −1 while it is not added. */
  index = -1;
  abstract onExpired(now: Instant): void;
}
