import { addressText } from '../core/endpoint.ts';
import type { LiveInstance } from '../core/live-instance.ts';

/** Waits until an instance has no request left in any worker. */
export class InstanceDrains {
  readonly #waiters = new Map<string, () => void>();
  readonly #mayUse: (ending: string) => boolean;

  /** `mayUse`: whether a worker may still send to an endpoint whose id has this ending. */
  constructor(mayUse: (ending: string) => boolean) {
    this.#mayUse = mayUse;
  }

  /**
   * Resolves when every worker that knows the instance has reported it as drained, or is gone. This may never
   * happen: the caller sets a time limit.
   */
  whenDrained(instance: LiveInstance): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!this.#mayUse(endingOf(instance))) return Promise.resolve();
    this.#waiters.set(endingOf(instance), resolve);
    return promise;
  }

  /** These instances exist: waiting for any other one ends. */
  keepOnly(instances: readonly LiveInstance[]): void {
    const endings = new Set(instances.map(endingOf));
    for (const ending of this.#waiters.keys()) if (!endings.has(ending)) this.#waiters.delete(ending);
  }

  /** A worker has reported drained endpoints, or is gone. */
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
