import type { Semaphore } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';

/**
 * This worker's permits for requests in flight at an endpoint, where `connections.requests_max` bounds them over all workers: one for each request that has
 * a stream or is about to get one. `inFlight` is the number of those requests.
 */
export class RequestPermits {
  #held = 0;
  /** Under which bound permits were acquired last. */
  #max = 1;

  get isHeld(): boolean {
    return this.#held > 0;
  }

  /** Whether a permit is held that no request in flight needs: it is for the first request that waits. */
  hasSpare(inFlight: number): boolean {
    return this.#held > inFlight;
  }

  /** Whether there is a permit for one more request, which came at `since`. */
  tryAcquire(requests: Semaphore, inFlight: number, max: number, since: Instant): boolean {
    this.#max = max;
    if (this.hasSpare(inFlight)) return true;
    if (!requests.tryAcquire(max, since)) return false;
    this.#held++;
    return true;
  }

  /** The caller looks at its queue after this. */
  releaseUnused(requests: Semaphore, inFlight: number): void {
    for (; this.#held > inFlight; this.#held--) requests.release(this.#max);
  }
}
