import { type FeatureMessages, scopeKey } from '../../core/feature.ts';
import type { FeatureState } from '../../core/feature.ts';
import { after, type Timer } from '../../core/time.ts';
import { atOnceBytes, forgetWorker, seedAtOnce } from '../../limits/requests-at-once.ts';
import { mainFeature, type MainFeaturePorts, type MainPart, type ScopedSpec } from '../main-feature.ts';
import { RateMemory } from './main-table.ts';
import { TopKeys } from './main-top-keys.ts';
import { RefusalWaves } from './main-waves.ts';
import {
  type LimitReport,
  type RateLimitsReport,
  rateLimitsName,
  type RateLimitsSpec,
  type RateLimitsStatus,
} from './settings.ts';

const sweepEveryMs = 10_000;
/** All of the table is swept in an hour: no time wraps before. */
const sweepTurns = 360;
const forgetAgainMs = 100;

interface Counted {
  admitted: number;
  refused: number;
  wouldRefuse: number;
  readonly keys: TopKeys;
}

type Ports = Pick<MainFeaturePorts, 'clock' | 'random' | 'stateFolder' | 'events'>;

export class RateLimits implements MainPart<RateLimitsSpec> {
  readonly #ports: Ports & { readonly entries?: number };
  #scopes: readonly ScopedSpec<RateLimitsSpec>[] = [];
  #memory: RateMemory | null = null;
  #atOnce: SharedArrayBuffer | null = null;
  /** By scope and name. */
  readonly #counted = new Map<string, Counted>();
  readonly #waves: RefusalWaves;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(ports: Ports & { readonly entries?: number }) {
    this.#ports = ports;
    this.#waves = new RefusalWaves(ports.events);
  }

  use(scopes: readonly ScopedSpec<RateLimitsSpec>[]): void {
    this.#scopes = scopes;
    const keys = new Set(
      scopes.flatMap(({ scope, spec }) => spec.limits.map(({ name }) => `${scopeKey(scope)} ${name}`)),
    );
    for (const key of this.#counted.keys()) if (!keys.has(key)) this.#counted.delete(key);
    this.#waves.use(scopes.flatMap(({ scope, spec }) => spec.limits.map(({ name }) => ({ scope, name }))));
  }

  /** The memory is made when the first configuration needs it, and stays. */
  forWorkers(spec: RateLimitsSpec): RateLimitsSpec {
    const memory = this.#requireMemory();
    if (this.#atOnce === null && spec.limits.some(({ atOnce }) => atOnce !== null)) {
      this.#atOnce = new SharedArrayBuffer(atOnceBytes);
      seedAtOnce(this.#atOnce, Math.floor(this.#ports.random.next() * 2 ** 32));
    }
    const numbers = spec.limits.map((limit) => memory.numberOf(limit));
    return { ...spec, shared: { rates: memory.memory, numbers, atOnce: this.#atOnce } };
  }

  #requireMemory(): RateMemory {
    if (this.#memory !== null) return this.#memory;
    this.#memory = new RateMemory(this.#ports);
    this.#sweepLater();
    return this.#memory;
  }

  #sweepLater(): void {
    const { clock } = this.#ports;
    this.#timer = clock.schedule(after(clock.now(), sweepEveryMs), (part: RateLimits) => part.#sweep(), this);
  }

  #sweep(): void {
    if (this.#isStopped) return;
    this.#memory?.sweep(sweepTurns);
    this.#waves.look();
    this.#sweepLater();
  }

  onReports(reports: FeatureMessages): void {
    for (const [scope, report] of Object.entries(reports))
      for (const one of (report as RateLimitsReport).limits) this.#add(`${scope} ${one.name}`, one);
  }

  #add(key: string, report: LimitReport): void {
    this.#waves.note(key, report);
    const { admitted, refused, wouldRefuse, keys } = report;
    const counted = this.#countedOf(key);
    counted.admitted += admitted;
    counted.refused += refused;
    counted.wouldRefuse += wouldRefuse;
    for (const [shown, count] of keys) counted.keys.add(shown, count, this.#ports.clock.now());
  }

  #countedOf(key: string): Counted {
    let counted = this.#counted.get(key);
    if (counted === undefined)
      this.#counted.set(key, (counted = { admitted: 0, refused: 0, wouldRefuse: 0, keys: new TopKeys() }));
    return counted;
  }

  /** Another thread may hold a lock of the memory for a moment. */
  onWorkerGone(worker: number): void {
    if (this.#atOnce === null || this.#isStopped || forgetWorker(this.#atOnce, worker)) return;
    const { clock } = this.#ports;
    clock.schedule(after(clock.now(), forgetAgainMs), (gone: number) => this.onWorkerGone(gone), worker);
  }

  status(): RateLimitsStatus {
    const now = this.#ports.clock.now();
    return {
      rateLimits: this.#scopes.flatMap(({ scope, spec: { limits } }) =>
        limits.map(({ name, by, rate, burst, atOnce, dryRun }) => {
          const { keys, ...counts } = this.#countedOf(`${scopeKey(scope)} ${name}`);
          const { kind, id } = scope;
          const written = rate?.written ?? null;
          const settings = { kind, id, name, by: by.join(' and '), rate: written, burst, atOnce, dryRun };
          return { ...settings, ...counts, topKeys: keys.top(now) };
        }),
      ),
      rateTable: this.#memory === null ? null : { entries: this.#memory.entries, ...this.#memory.table.counts },
    };
  }

  export(): FeatureState | null {
    return this.#memory?.export() ?? null;
  }

  exportMore(): FeatureState | null {
    return this.#memory?.exportMore() ?? null;
  }

  import(state: FeatureState): void {
    this.#requireMemory().import(state);
  }

  importMore(state: FeatureState): void {
    this.import(state);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }
}

export const rateLimits = mainFeature<RateLimitsSpec, RateLimits, RateLimitsStatus>({
  name: rateLimitsName,
  metrics: ({ rateLimits: limits, rateTable }) => [
    {
      name: 'candor_rate_limit_requests_total',
      help: 'Requests that a limit of `rate_limits` has let pass or refused, or would have refused in a dry run.',
      samples: limits.flatMap(({ id, name, admitted, refused, wouldRefuse }) => {
        const at = { route: id, limit: name };
        return [
          [{ ...at, decision: 'admitted' }, admitted],
          [{ ...at, decision: 'refused' }, refused],
          [{ ...at, decision: 'would_refuse' }, wouldRefuse],
        ] as const;
      }),
    },
    {
      name: 'candor_rate_limit_evicted_total',
      help: 'Keys of `rate_limits` that made room for others before their use was refilled.',
      samples: rateTable === null ? [] : [[{}, rateTable.evicted]],
    },
    {
      name: 'candor_rate_limit_untracked_total',
      help: 'Requests that `rate_limits` let pass uncounted, because the memory was full of keys that had used more.',
      samples: rateTable === null ? [] : [[{}, rateTable.untracked]],
    },
  ],
  start: (ports) => new RateLimits(ports),
});
