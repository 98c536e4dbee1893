/** Milliseconds on a clock that never goes back. */
export interface ClientClock {
  /** For durations and deadlines. */
  now(): number;
  /** Milliseconds since the Unix epoch, for HTTP dates. */
  wallTime(): number;
  /** Calls `fire(subject)` once, at `at` or later, never earlier. */
  schedule<T>(at: number, fire: (subject: T) => void, subject: T): { cancel(): void };
}

export interface ClientRandom {
  /** Uniform in [0, 1). */
  next(): number;
  /** Fills `target` with random bytes, good enough for keys. */
  fill(target: Uint8Array): void;
}
