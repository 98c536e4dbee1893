import { ProbePermit } from '../core/probe-permit.ts';
import type { EndpointSemaphores } from '../core/semaphores.ts';
import type { Clock } from '../core/time.ts';

/**
 * An endpoint on probation gets one request at a time, over all workers, or as many as its breaker lets through while it is half-open: this worker's
 * permits for them. `load` is the number of requests that the endpoint has in flight in this worker.
 */
export class ProbationPermit {
  readonly #clock: Clock;
  #permits: ProbePermit[] = [];
  /** Requests in flight that have taken so long that they have given their permit back. */
  #overdue = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isHeld(): boolean {
    return this.#permits.length > 0;
  }

  /** Whether `releaseUnused` has something to do. */
  get isInUse(): boolean {
    return this.#permits.length > 0 || this.#overdue > 0;
  }

  /** Requests that came before the probation must end first. */
  tryAcquire({ probation }: EndpointSemaphores, load: number, max: number): boolean {
    const inFlight = load - Math.min(this.#overdue, load);
    if (inFlight > this.#permits.length) return false;
    if (inFlight < this.#permits.length) return true;
    if (!probation.tryAcquire(max, this.#clock.now())) return false;
    const permit: ProbePermit = new ProbePermit(this.#clock, () => {
      this.#permits = this.#permits.filter((one) => one !== permit);
      this.#overdue++;
      probation.release(max);
    });
    this.#permits.push(permit);
    return true;
  }

  /** Releases the permits that no request in flight needs. */
  releaseUnused(load: number): void {
    while (this.#permits.length > 0 && this.#permits.length + this.#overdue > load) {
      this.#permits[0]?.giveBack();
      this.#overdue--;
    }
    this.#overdue = Math.min(this.#overdue, load);
  }
}
