import { ProbePlace } from '../core/probe-place.ts';
import type { EndpointSemaphores } from '../core/semaphores.ts';
import type { Clock } from '../core/time.ts';

/**
 * An endpoint on probation gets one request at a time, over all workers, or as many as its breaker lets through while it is half-open: this worker's
 * permits for them. `load` is the number of requests that the endpoint has in flight in this worker.
 */
export class ProbationPermit {
  readonly #clock: Clock;
  /** Each has a permit. */
  #places: ProbePlace[] = [];
  /** Requests in flight that have taken so long that they have given their place back. */
  #overdue = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isHeld(): boolean {
    return this.#places.length > 0;
  }

  /** Whether `releaseUnused` has something to do. */
  get isInUse(): boolean {
    return this.#places.length > 0 || this.#overdue > 0;
  }

  /** Requests that came before the probation must end first. */
  tryAcquire({ probation }: EndpointSemaphores, load: number, max: number): boolean {
    const inFlight = load - Math.min(this.#overdue, load);
    if (inFlight > this.#places.length) return false;
    if (inFlight < this.#places.length) return true;
    if (!probation.tryAcquire(max, this.#clock.now())) return false;
    const place: ProbePlace = new ProbePlace(this.#clock, () => {
      this.#places = this.#places.filter((one) => one !== place);
      this.#overdue++;
      probation.release(max);
    });
    this.#places.push(place);
    return true;
  }

  /** Releases the permits that no request in flight needs. */
  releaseUnused(load: number): void {
    while (this.#places.length > 0 && this.#places.length + this.#overdue > load) {
      this.#places[0]?.giveBack();
      this.#overdue--;
    }
    this.#overdue = Math.min(this.#overdue, load);
  }
}
