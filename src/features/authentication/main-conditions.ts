import type { FeatureMessages } from '../../core/feature.ts';
import type { Clock } from '../../core/time.ts';
import type { AuthenticationReport, KeysView, SchemeCondition, SharedState } from './settings.ts';

type Conditions = Readonly<Record<string, SchemeCondition>>;
type States = Readonly<Record<string, SharedState>>;

/** What the schemes of all workers have from services: for the status, and for workers and processes that begin while a service is out. */
export class SchemeConditions {
  readonly #clock: Clock;
  /** By `scopeKey`, then by worker. */
  readonly #reported = new Map<string, Map<number, Conditions>>();
  /** By `scopeKey`, then by scheme: the newest of all workers. */
  #states = new Map<string, States>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get states(): FeatureMessages {
    return Object.fromEntries(this.#states);
  }

  /** Other scopes than these are gone. */
  keep(scopes: ReadonlySet<string>): void {
    for (const known of [this.#reported, this.#states])
      for (const key of known.keys()) if (!scopes.has(key)) known.delete(key);
  }

  /** True: other workers should know. */
  onReport(scope: string, worker: number, { conditions }: AuthenticationReport): boolean {
    if (conditions === undefined) return false;
    const ofScope = this.#reported.get(scope) ?? new Map<number, Conditions>();
    this.#reported.set(scope, ofScope.set(worker, conditions));
    let changed = false;
    for (const [scheme, { state }] of Object.entries(conditions)) {
      const known = this.#states.get(scope) ?? {};
      if (state === null || (known[scheme]?.fetchedWall ?? 0) >= state.fetchedWall) continue;
      this.#states.set(scope, { ...known, [scheme]: state });
      changed = true;
    }
    return changed;
  }

  onWorkerGone(worker: number): void {
    for (const ofScope of this.#reported.values()) ofScope.delete(worker);
  }

  /** Of each scheme, as the worker has it that is off worst. */
  viewOf(scope: string): readonly KeysView[] {
    const worst = new Map<string, KeysView>();
    for (const conditions of this.#reported.get(scope)?.values() ?? [])
      for (const [scheme, { keys: count, fetchedWall, fault }] of Object.entries(conditions)) {
        const ageS =
          fetchedWall === null ? null : Math.max(0, Math.round((this.#clock.wallTime() - fetchedWall) / 1000));
        const known = worst.get(scheme);
        const isWorse = known === undefined || ageS === null || (known.ageS !== null && ageS > known.ageS);
        if (isWorse) worst.set(scheme, { scheme, count, ageS, fault });
      }
    return [...worst.values()];
  }

  export(): Uint8Array | null {
    return this.#states.size === 0 ? null : Buffer.from(JSON.stringify(this.states));
  }

  import(bytes: Uint8Array): void {
    this.#states = new Map(Object.entries(JSON.parse(Buffer.from(bytes).toString()) as Record<string, States>));
  }
}
