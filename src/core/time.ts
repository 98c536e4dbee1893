/**
 * Milliseconds on a clock that never goes back, the same one for every thread of a process.
 * Compare only with other instants of that process.
 */
export type Instant = number & { readonly clock: 'monotonic' };

/** The only source of time. Programs get the real one from `system.ts`; tests get `SimulatedClock`. */
export interface Clock {
  /** For durations, deadlines and rates. */
  now(): Instant;
  /** Milliseconds since the Unix epoch, for log lines and HTTP dates. May jump; never subtract. */
  wallTime(): number;
  /** Calls `fire(subject)` once, at or after `at`. Passing the subject avoids a closure per timer. */
  schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer;
}

export interface Timer {
  /** Does nothing after the timer has fired. */
  cancel(): void;
}

export function after(start: Instant, durationMs: number): Instant {
  return (start + durationMs) as Instant;
}

/** Later than any instant: a deadline that is not set. */
export const never = Number.POSITIVE_INFINITY as Instant;
