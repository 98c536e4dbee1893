import { durationBoundsMs, type ExchangeCount } from '../../core/counters.ts';
import type { EventSink } from '../../core/event.ts';
import type { Sample } from '../../core/metric-family.ts';
import type { ObjectiveKind, SloSpec } from '../../core/objective.ts';
import type { Clock, Instant } from '../../core/time.ts';
import {
  BurnCounts,
  type BurnTier,
  budgetLeft,
  burnRate,
  burnTiers,
  type KeptCounts,
  openTier,
} from '../../policy/slo-burn.ts';
import { isClosedByOperator, isFailedCount } from '../../record/exchange-figures.ts';
import { mainFeature, type MainPart, type ScopedSpec } from '../main-feature.ts';
import { SloFile, type SloStorage } from './main-file.ts';
import { objectivesName } from './settings.ts';
import type { ObjectiveStatus } from '../../core/schemas/alerts.ts';

interface SloWatchParts {
  readonly clock: Clock;
  readonly events: EventSink;
  /** Null: budgets begin anew with each process. */
  readonly storage: SloStorage | null;
}

/** Workers report ten times a second; the finest bucket has as much. */
const judgeEveryMs = 10_000;
const writeEveryMs = 300_000;

interface Objective {
  readonly route: string;
  readonly kind: ObjectiveKind;
  readonly target: number;
  /** Null: of availability. */
  readonly underMs: number | null;
  readonly counts: BurnCounts;
  tier: BurnTier['name'] | null;
  since: number;
}

/** Counts the requests of routes that have objectives, and reports those whose error budget is used up too fast. */
export class SloWatch implements MainPart<SloSpec> {
  readonly #parts: SloWatchParts;
  readonly #beganAt: number;
  readonly #began: Instant;
  #objectives: readonly Objective[] = [];
  /** By route. */
  #byRoute = new Map<string, readonly Objective[]>();
  #judgedAt = 0;
  #writtenAt: number;

  constructor(parts: SloWatchParts) {
    this.#parts = parts;
    this.#beganAt = parts.clock.wallTime();
    this.#began = parts.clock.now();
    this.#writtenAt = this.#beganAt;
  }

  /** Objectives that stay keep their counts. */
  use(scopes: readonly ScopedSpec<SloSpec>[]): void {
    const known = new Map(this.#objectives.map((one) => [keyOf(one), one]));
    const wanted = scopes.flatMap(({ scope, spec }) => objectivesOf(scope.id, spec));
    const kept: Readonly<Record<string, KeptCounts>> =
      wanted.some((one) => !known.has(keyOf(one))) && this.#parts.storage !== null ? this.#parts.storage.read() : {};
    this.#objectives = wanted.map((one) => {
      const before = known.get(keyOf(one));
      if (before !== undefined) return before;
      return { ...one, counts: new BurnCounts(this.#now, kept[keyOf(one)] ?? null), tier: null, since: this.#now };
    });
    for (const [key, gone] of known)
      if (gone.tier !== null && !this.#objectives.some((one) => keyOf(one) === key)) this.#reportRemoved(gone);
    this.#byRoute = Map.groupBy(this.#objectives, ({ route }) => route);
  }

  onExchanges(exchanges: readonly ExchangeCount[]): void {
    if (this.#objectives.length === 0) return;
    const now = this.#now;
    for (const counted of exchanges)
      for (const objective of this.#byRoute.get(counted.route) ?? []) {
        const { total, bad } = judged(counted, objective.underMs);
        if (total > 0) objective.counts.add(now, total, bad);
      }
    if (now - this.#judgedAt < judgeEveryMs) return;
    this.#judgedAt = now;
    for (const objective of this.#objectives) this.#judge(objective, now);
    if (now - this.#writtenAt < writeEveryMs) return;
    this.#writtenAt = now;
    void this.#write();
  }

  status(): { readonly objectives: readonly ObjectiveStatus[] } {
    const now = this.#now;
    const objectives = this.#objectives.map(({ route, kind, target, underMs, counts, tier, since }) => ({
      ...{ route, kind, target, underMs, burning: tier },
      sinceS: tier === null ? null : Math.round((now - since) / 1000),
      budgetLeft: rounded(budgetLeft(counts, target, now)),
      burnRates: burnTiers.map(({ name, shortMs, longMs, rate }) => ({
        ...{ tier: name, limit: rate, shortS: shortMs / 1000, longS: longMs / 1000 },
        short: rounded(burnRate(counts, target, shortMs, now)),
        long: rounded(burnRate(counts, target, longMs, now)),
      })),
    }));
    return { objectives };
  }

  /** A successor keeps what it counts itself. */
  async close(hasSuccessor: boolean): Promise<void> {
    if (!hasSuccessor && this.#objectives.length > 0) await this.#write();
  }

  /** On the wall clock of the start: it never jumps. */
  get #now(): number {
    return this.#beganAt + (this.#parts.clock.now() - this.#began);
  }

  #judge(objective: Objective, now: number): void {
    const tier = openTier(objective.counts, objective.target, objective.tier, now);
    if ((tier?.name ?? null) === objective.tier) return;
    if (objective.tier === null) objective.since = now;
    objective.tier = tier?.name ?? null;
    this.#report(objective, tier);
  }

  /** Whether it would have been kept is not known. */
  #reportRemoved(objective: Objective): void {
    const { route, kind, target, underMs } = objective;
    const reason = `the objective of ${route} (${objectiveText(kind, target, underMs)}) was missed, and is no objective of the configuration any more`;
    this.#emit(objective, 'removed', reason, null, 0);
  }

  #report(objective: Objective, tier: BurnTier | null): void {
    const { route, kind, target, underMs, counts } = objective;
    const now = this.#now;
    const what = objectiveText(kind, target, underMs);
    const left = rounded(budgetLeft(counts, target, now));
    const rate = tier === null ? 0 : rounded(burnRate(counts, target, tier.longMs, now));
    const budget =
      left > 0
        ? `${Math.round(left * 100)} % of the budget of three days is left`
        : 'the budget of three days is used up';
    const reason =
      tier === null
        ? `the objective of ${route} (${what}) is kept again; ${budget}`
        : `the objective of ${route} (${what}) is missed: its budget is used up ${rate} times as fast as allowed, over the last ${timeText(tier.longMs)} and still in the last ${timeText(tier.shortMs)}; ${budget}`;
    this.#emit(objective, tier === null ? 'kept' : 'burning', reason, tier, rate);
  }

  #emit(
    { route, kind, target, underMs, counts }: Objective,
    to: 'burning' | 'kept' | 'removed',
    reason: string,
    tier: BurnTier | null,
    rate: number,
  ): void {
    const left = rounded(budgetLeft(counts, target, this.#now));
    this.#parts.events.emit({
      kind: 'slo_burning',
      subject: `route:${route}`,
      to,
      reason,
      evidence: { route, objective: kind, target, underMs, tier: tier?.name ?? null, burnRate: rate, budgetLeft: left },
    });
  }

  async #write(): Promise<void> {
    const kept = this.#objectives.map((one) => [keyOf(one), one.counts.kept()] as const);
    await this.#parts.storage?.write(Object.fromEntries(kept));
  }
}

export const objectives = mainFeature<SloSpec, SloWatch, ReturnType<SloWatch['status']>>({
  name: objectivesName,
  metrics: ({ objectives: shown }) => [
    {
      name: 'candor_slo_budget_left_ratio',
      help: 'What is left of the error budget of three days, by objective: 1 is all of it, 0 and below nothing.',
      samples: shown.map(({ route, kind, budgetLeft }) => [{ route, objective: kind }, budgetLeft]),
    },
    {
      name: 'candor_slo_burn_rate',
      help: 'How many times as fast as allowed the error budget of an objective is used up, by window.',
      samples: shown.flatMap(burnRateSamples),
    },
  ],
  start: ({ clock, events, stateFolder }) =>
    new SloWatch({ clock, events, storage: stateFolder === null ? null : new SloFile(stateFolder) }),
});

function burnRateSamples({ route, kind, burnRates }: ObjectiveStatus): Sample[] {
  const byWindow = new Map(
    burnRates.flatMap(({ shortS, longS, short, long }) => [[shortS, short] as const, [longS, long] as const]),
  );
  return [...byWindow].map(([seconds, rate]) => [{ route, objective: kind, window_seconds: String(seconds) }, rate]);
}

type WantedObjective = Pick<Objective, 'route' | 'kind' | 'target' | 'underMs'>;

function objectivesOf(route: string, { availability, latency }: SloSpec): readonly WantedObjective[] {
  return [
    ...(availability === null ? [] : [{ route, kind: 'availability', target: availability, underMs: null } as const]),
    ...(latency === null ? [] : [{ route, kind: 'latency', target: latency.share, underMs: latency.underMs } as const]),
  ];
}

/** An objective that changes begins anew. */
function keyOf({ route, kind, target, underMs }: WantedObjective): string {
  return `${kind} ${target} ${underMs ?? ''} ${route}`;
}

/** A client that left, a tunnel, and what a maintenance or a pause refuses say nothing of the application. What a pause holds counts with its wait: users waited. */
function judged(counted: ExchangeCount, underMs: number | null): { total: number; bad: number } {
  const { statusClass, shape, count, durations } = counted;
  if (shape === 'client_abort' || statusClass === '1xx' || isClosedByOperator(counted)) return { total: 0, bad: 0 };
  const isFailure = isFailedCount(counted);
  if (underMs === null) return { total: count, bad: isFailure ? count : 0 };
  // How fast a failure comes is nothing that users were promised.
  if (isFailure) return { total: 0, bad: 0 };
  // How long a tunnel or a stream lives is nothing that its users wait for.
  const waits = counted.heads ?? durations;
  let total = 0;
  let slow = 0;
  for (let cell = 0; cell < waits.length; cell += 1) {
    total += waits[cell] as number;
    if ((durationBoundsMs[cell] ?? Infinity) > underMs) slow += waits[cell] as number;
  }
  return { total, bad: slow };
}

function objectiveText(kind: ObjectiveKind, target: number, underMs: number | null): string {
  const share = `${Math.round(target * 1_000_000) / 10_000} %`;
  return kind === 'availability'
    ? `${share} of requests without failure`
    : `${share} of responses within ${underMs} ms`;
}

function timeText(ms: number): string {
  const hours = ms / 3_600_000;
  return hours < 1 ? `${ms / 60_000} min` : hours < 48 ? `${hours} h` : `${hours / 24} d`;
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
