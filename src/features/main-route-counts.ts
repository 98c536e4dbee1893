import { type FeatureMessages, scopeKey } from '../core/feature.ts';
import type { ScopedSpec } from './main-feature.ts';

type Counts = Readonly<Record<string, number>>;

/** Adds up what the parts of a feature in workers have counted since their start, over all workers and those that are gone. */
export class RouteCounts {
  /** By `scopeKey`, then by worker. */
  readonly #reported = new Map<string, Map<number, Counts>>();
  readonly #gone = new Map<string, Counts>();

  use(scopes: readonly ScopedSpec[]): void {
    const known = new Set(scopes.map(({ scope }) => scopeKey(scope)));
    for (const counts of [this.#reported, this.#gone])
      for (const key of counts.keys()) if (!known.has(key)) counts.delete(key);
  }

  onReports(reports: FeatureMessages, worker: number, countsOf: (report: object) => Counts): void {
    for (const [key, report] of Object.entries(reports)) this.onReport(key, worker, countsOf(report));
  }

  /** What a worker has counted in a scope since its start, by `scopeKey`. */
  onReport(key: string, worker: number, counts: Counts): void {
    const ofScope = this.#reported.get(key) ?? new Map<number, Counts>();
    this.#reported.set(key, ofScope.set(worker, counts));
  }

  onWorkerGone(worker: number): void {
    for (const [key, ofScope] of this.#reported) {
      const counts = ofScope.get(worker);
      if (counts === undefined) continue;
      ofScope.delete(worker);
      this.#gone.set(key, added(this.#gone.get(key) ?? {}, counts));
    }
  }

  /** The largest first. */
  of(scope: ScopedSpec['scope']): readonly (readonly [name: string, count: number])[] {
    const key = scopeKey(scope);
    const counts = [...(this.#reported.get(key)?.values() ?? [])].reduce(added, this.#gone.get(key) ?? {});
    return Object.entries(counts).toSorted(([, one], [, other]) => other - one);
  }
}

function added(one: Counts, other: Counts): Counts {
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
