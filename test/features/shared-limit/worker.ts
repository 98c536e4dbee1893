import { fail } from '#failures/failure.ts';
import type { Semaphore } from '../../../src/core/semaphores.ts';
import { type FeaturePart, workerFeature } from '../../../src/features/worker-feature.ts';
import type { RequestGate, TurnWaiter } from '../../../src/exchange/request-gate.ts';
import type { Clock } from '../../../src/core/time.ts';
import { sharedLimitName, type SharedLimitReport, type SharedLimitSpec } from './settings.ts';

class SharedLimit implements RequestGate {
  readonly permits: Semaphore;
  readonly #clock: Clock;
  readonly #admitted = new Set<TurnWaiter>();
  #spec: SharedLimitSpec;
  #refused = 0;
  #reportedHeld = 0;

  constructor(spec: SharedLimitSpec, permits: Semaphore, clock: Clock) {
    this.#spec = spec;
    this.permits = permits;
    this.#clock = clock;
  }

  use(spec: SharedLimitSpec): void {
    this.#spec = spec;
  }

  enter(waiter: TurnWaiter): ReturnType<RequestGate['enter']> {
    const { max } = this.#spec;
    if (this.permits.tryAcquire(max, this.#clock.now())) {
      this.#admitted.add(waiter);
      return 'admitted';
    }
    this.#refused++;
    return fail('concurrency_limit', 'queue', { bound: sharedLimitName, limit: max, queueMax: 0, retryAfterS: 1 });
  }

  leave(waiter: TurnWaiter): void {
    if (this.#admitted.delete(waiter)) this.permits.release(this.#spec.max);
  }

  noteEnd(): void {}

  report(): SharedLimitReport | null {
    const { size: held } = this.#admitted;
    if (held === this.#reportedHeld && this.#refused === 0) return null;
    const report = { held, refused: this.#refused };
    this.#reportedHeld = held;
    this.#refused = 0;
    return report;
  }
}

export const sharedLimit = workerFeature<SharedLimitSpec, FeaturePart & { readonly limit: SharedLimit }>({
  name: sharedLimitName,
  prepare(_, spec, ports, previous) {
    const limit = previous?.limit ?? new SharedLimit(spec, ports.semaphores(() => {}).requests, ports.clock);
    return {
      limit,
      hooks: { gate: limit },
      activate: () => limit.use(spec),
      discard: () => previous === null && limit.permits.close(),
      close: () => limit.permits.close(),
      report: () => limit.report(),
    };
  },
});
