import { addressText } from '../core/endpoint.ts';
import type { LiveInstance } from '../core/live-instance.ts';

/** Who waits for which instance to have no request left, in any worker. */
export class InstanceDrains {
  readonly #waiters = new Map<string, () => void>();
  readonly #mayUse: (ending: string) => boolean;

  /** `mayUse`: whether a worker may still send to an endpoint whose id ends so. */
  constructor(mayUse: (ending: string) => boolean) {
    this.#mayUse = mayUse;
  }

  /**
   * Resolves when every worker that knows the instance has said that nothing is under way on it any more, or is gone. It
   * may never come to that: then the time limit of whoever waits decides.
   */
  whenDrained(instance: LiveInstance): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!this.#mayUse(endingOf(instance))) return Promise.resolve();
    this.#waiters.set(endingOf(instance), resolve);
    return promise;
  }

  /** These are the instances that there are: nobody waits for one that is gone. */
  keepOnly(instances: readonly LiveInstance[]): void {
    const endings = new Set(instances.map(endingOf));
    for (const ending of this.#waiters.keys()) if (!endings.has(ending)) this.#waiters.delete(ending);
  }

  /** A worker has said that endpoints have drained, or is gone. */
  resolveDrained(): void {
    for (const [ending, resolve] of this.#waiters) {
      if (this.#mayUse(ending)) continue;
      this.#waiters.delete(ending);
      resolve();
    }
  }
}

/** An endpoint's id is its upstream's, then the instance's, then the address. */
function endingOf({ id, address }: LiveInstance): string {
  return `/${id}/${addressText(address)}`;
}
