/** A pair of windows: the long one shows that it matters, the short one that it still goes on. */
export interface BurnTier {
  readonly name: 'fast' | 'medium' | 'slow';
  readonly shortMs: number;
  readonly longMs: number;
  /** How many times faster than allowed the budget is used up. */
  readonly rate: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Multi-window, multi-burn-rate alerts as in the Site Reliability Workbook (Google, 2018), chapter 5; the fastest first. */
export const burnTiers: readonly BurnTier[] = [
  { name: 'fast', shortMs: 5 * minuteMs, longMs: hourMs, rate: 14.4 },
  { name: 'medium', shortMs: 30 * minuteMs, longMs: 6 * hourMs, rate: 6 },
  { name: 'slow', shortMs: 6 * hourMs, longMs: 72 * hourMs, rate: 1 },
];

/** The budget is that of this time. */
const budgetMs = 72 * hourMs;

/** Fewer bad requests are bad luck, whatever their share. */
const badMin = 3;

/** A tier that is open closes below this part of its rate: at the limit it would open and close in turn. */
const closeFactor = 0.9;

interface WindowSum {
  readonly total: number;
  readonly bad: number;
}

interface Level {
  readonly bucketMs: number;
  readonly buckets: number;
}

/** One bucket more than a window has: the present one is not over. */
const levels: readonly Level[] = [
  { bucketMs: 10_000, buckets: 31 },
  { bucketMs: minuteMs, buckets: 361 },
  { bucketMs: 10 * minuteMs, buckets: 433 },
];

/** Of one level, the buckets that are not empty: number, total, bad. */
type KeptBuckets = readonly (readonly [index: number, total: number, bad: number])[];

export interface KeptCounts {
  /** When counting began, in milliseconds since the Unix epoch. */
  readonly since: number;
  readonly levels: readonly KeptBuckets[];
}

/** Requests and bad requests of the last three days, in buckets that grow with their age. Knows time only by its parameters. */
export class BurnCounts {
  readonly since: number;
  readonly #rings = levels.map(({ buckets }) => ({
    indexes: new Float64Array(buckets).fill(-1),
    totals: new Float64Array(buckets),
    bads: new Float64Array(buckets),
  }));

  constructor(at: number, kept: KeptCounts | null = null) {
    this.since = kept === null ? at : Math.min(at, kept.since);
    for (const [level, buckets] of kept?.levels.entries() ?? [])
      for (const [index, total, bad] of buckets) this.#addTo(level, index, total, bad);
  }

  add(at: number, total: number, bad: number): void {
    for (const [level, { bucketMs }] of levels.entries()) this.#addTo(level, Math.floor(at / bucketMs), total, bad);
  }

  #addTo(level: number, index: number, total: number, bad: number): void {
    const ring = this.#rings[level];
    if (ring === undefined) return;
    const cell = index % ring.indexes.length;
    const known = ring.indexes[cell] as number;
    if (known > index) return;
    if (known < index) ring.totals[cell] = ring.bads[cell] = 0;
    ring.indexes[cell] = index;
    ring.totals[cell] = (ring.totals[cell] as number) + total;
    ring.bads[cell] = (ring.bads[cell] as number) + bad;
  }

  /** Of the last `windowMs`, by the finest level that comprises them. */
  sum(at: number, windowMs: number): WindowSum {
    const level = Math.max(
      0,
      levels.findIndex(({ bucketMs, buckets }) => bucketMs * (buckets - 1) >= windowMs),
    );
    const { bucketMs } = levels[level] as Level;
    const ring = this.#rings[level];
    const [first, last] = [Math.floor((at - windowMs) / bucketMs) + 1, Math.floor(at / bucketMs)];
    let total = 0;
    let bad = 0;
    if (ring === undefined) return { total, bad };
    for (let cell = 0; cell < ring.indexes.length; cell += 1) {
      const index = ring.indexes[cell] as number;
      if (index < first || index > last) continue;
      total += ring.totals[cell] as number;
      bad += ring.bads[cell] as number;
    }
    return { total, bad };
  }

  kept(): KeptCounts {
    const kept = this.#rings.map(({ indexes, totals, bads }) =>
      [...indexes].flatMap((index, cell) => {
        const total = totals[cell] as number;
        return index >= 0 && total > 0 ? [[index, total, bads[cell] as number] as const] : [];
      }),
    );
    return { since: this.since, levels: kept };
  }
}

/** The burn rate of a window: 1 uses up exactly the budget. Time before counting began counts as traffic without a failure. */
export function burnRate(counts: BurnCounts, objective: number, windowMs: number, at: number): number {
  const { total, bad } = counts.sum(at, windowMs);
  if (total === 0) return 0;
  const covered = Math.min(1, Math.max(0, at - counts.since) / windowMs);
  return (bad / total / (1 - objective)) * covered;
}

/** What is left of the budget, from 1 (all of it) to 0 and below. */
export function budgetLeft(counts: BurnCounts, objective: number, at: number): number {
  return 1 - burnRate(counts, objective, budgetMs, at);
}

/** The fastest tier that is open at `at`; null: none. `before`: the one that was open before. */
export function openTier(
  counts: BurnCounts,
  objective: number,
  before: BurnTier['name'] | null,
  at: number,
): BurnTier | null {
  const found = burnTiers.find((tier) => {
    const { name, shortMs, longMs, rate } = tier;
    const limit = name === before ? rate * closeFactor : rate;
    if (counts.sum(at, longMs).bad < badMin) return false;
    return burnRate(counts, objective, shortMs, at) >= limit && burnRate(counts, objective, longMs, at) >= limit;
  });
  return found ?? null;
}
