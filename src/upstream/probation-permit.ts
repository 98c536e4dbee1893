import type { EndpointSemaphores } from '../core/semaphores.ts';
import type { Clock } from '../core/time.ts';

/**
 * An endpoint on probation gets one request at a time, over all workers, or as many as its breaker lets through while it is half-open: this worker's
 * permits for them.
 */
export class ProbationPermit {
  readonly #clock: Clock;
  #held = 0;
  #max = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isHeld(): boolean {
    return this.#held > 0;
  }

  /** `load`: the requests that the endpoint has in flight in this worker. Those that came before the probation must end first. */
  tryAcquire({ probation }: EndpointSemaphores, load: number, max: number): boolean {
    if (load > this.#held) return false;
    if (load < this.#held) return true;
    this.#max = max;
    if (!probation.tryAcquire(max, this.#clock.now())) return false;
    this.#held++;
    return true;
  }

  /** Releases the permits that no request in flight needs. */
  releaseUnused({ probation }: EndpointSemaphores, load: number): void {
    for (; this.#held > load; this.#held--) probation.release(this.#max);
  }
}
