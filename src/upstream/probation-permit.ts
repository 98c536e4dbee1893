import type { EndpointSemaphores } from '../core/semaphores.ts';
import type { Clock } from '../core/time.ts';

/** An endpoint on probation gets one request at a time, over all workers: this worker's hold on the permit for it. */
export class ProbationPermit {
  readonly #clock: Clock;
  #isHeld = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  tryAcquire({ probation }: EndpointSemaphores): boolean {
    this.#isHeld ||= probation.tryAcquire(1, this.#clock.now());
    return this.#isHeld;
  }

  release({ probation }: EndpointSemaphores): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    probation.release(1);
  }
}
