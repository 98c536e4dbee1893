/** Time as the kit knows it; `system.ts` has the real one. */
export interface KitClock {
  /** Milliseconds that only grow. */
  now(): number;
  /** Milliseconds since 1970. */
  wallTime(): number;
  /** Calls once after so many milliseconds; the function returned cancels it. */
  after(ms: number, fire: () => void): () => void;
  /** Calls once the events that have come have been taken: connections that waited are accepted then, and what waited on others is read. */
  afterEvents(fire: () => void): void;
}
