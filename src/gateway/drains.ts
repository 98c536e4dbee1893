import { addressText } from '../core/endpoint.ts';
import type { LiveInstance } from '../deploy/live-instance.ts';

/** Who waits for which instance to have no request left. */
export class Drains {
  readonly #waiting = new Map<string, () => void>();

  /**
   * Resolves when the worker says that nothing is under way on it any more. It may never do: then the time limit of
   * whoever waits decides.
   */
  when(instance: LiveInstance): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(endingOf(instance), resolve);
    return promise;
  }

  /** These are the instances that there are: nobody waits for one that is gone. */
  keep(instances: readonly LiveInstance[]): void {
    const endings = new Set(instances.map(endingOf));
    for (const ending of this.#waiting.keys()) if (!endings.has(ending)) this.#waiting.delete(ending);
  }

  /** Ids of endpoints that have drained. */
  heard(endpoints: readonly string[]): void {
    for (const endpoint of endpoints) {
      for (const [ending, resolve] of this.#waiting) {
        if (!endpoint.endsWith(ending)) continue;
        this.#waiting.delete(ending);
        resolve();
      }
    }
  }
}

/** An endpoint's id is its upstream's, then the instance's, then the address. */
function endingOf({ id, address }: LiveInstance): string {
  return `/${id}/${addressText(address)}`;
}
