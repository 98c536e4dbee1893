import type { Clock, Instant, Timer } from '../core/time.ts';

/** A clock whose timers may move it by the time that their work takes. */
export class WorkingClock implements Clock {
  #now = 0;
  readonly #due: { readonly at: Instant; readonly fire: () => void }[] = [];

  now(): Instant {
    return this.#now as Instant;
  }

  wallTime(): number {
    return this.#now;
  }

  schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer {
    this.#due.push({ at, fire: () => fire(subject) });
    return { cancel() {} };
  }

  advanceSync(ms: number): void {
    this.#now += ms;
  }

  /** Waits for the next timer and fires it. False: there is none. */
  fireNext(): boolean {
    this.#due.sort((one, other) => one.at - other.at);
    const next = this.#due.shift();
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next.at);
    next.fire();
    return true;
  }
}
