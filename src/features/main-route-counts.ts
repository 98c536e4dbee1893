import { type CountsReport, type FeatureMessages, scopeKey } from '../core/feature.ts';
import type { MainPart, ScopedSpec } from './main-feature.ts';

type Counts = Readonly<Record<string, number>>;

/** The part of a feature in the main thread that adds up what its parts in workers have counted, over all workers and those that are gone. */
export class RouteCounts<S extends object> implements MainPart<S> {
  protected scopes: readonly ScopedSpec<S>[] = [];
  /** By `scopeKey`, then by worker. */
  readonly #reported = new Map<string, Map<number, Counts>>();
  readonly #gone = new Map<string, Counts>();

  use(scopes: readonly ScopedSpec<S>[]): void {
    this.scopes = scopes;
    const known = new Set(scopes.map(({ scope }) => scopeKey(scope)));
    for (const counts of [this.#reported, this.#gone])
      for (const key of counts.keys()) if (!known.has(key)) counts.delete(key);
  }

  onReports(reports: FeatureMessages, worker: number): void {
    for (const [key, { counts }] of Object.entries(reports as Readonly<Record<string, CountsReport>>)) {
      if (counts === undefined) continue;
      const ofScope = this.#reported.get(key) ?? new Map<number, Counts>();
      this.#reported.set(key, ofScope.set(worker, counts));
    }
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
  protected countsOf(scope: ScopedSpec['scope']): readonly (readonly [name: string, count: number])[] {
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
