import { addAmounts, type Amounts, noAmounts, ownerKey, summed, type UsageOwner } from './amounts.ts';
import { hourDays, minuteHours } from './usage-file.ts';
import type { UsageRow } from './usage-lines.ts';

/** One series, with what it has used in each step that is known. */
export interface UsageSteps {
  readonly owner: UsageOwner;
  /** Number of the step since the Unix epoch, the oldest first. */
  readonly steps: ReadonlyMap<number, Amounts>;
}

type UsageStep = 'minute' | 'hour';

/** Releases come and go: the oldest series that has ended makes room for a new one. */
const seriesMax = 200;

/** Of all series; a row takes some 300 bytes. */
const rowsMax = 60_000;

interface Series {
  readonly owner: UsageOwner;
  /** By minute and hour since the Unix epoch, in the order in which they came. */
  readonly minutes: Map<number, Float64Array>;
  readonly hours: Map<number, Float64Array>;
}

/** What applications have used: minutes for a day, hours for forty. What is not written yet is kept apart. */
export class UsageHistory {
  readonly #series = new Map<string, Series>();
  /** By minute, then by series. */
  #open = new Map<number, Map<string, { readonly owner: UsageOwner; readonly amounts: Amounts }>>();
  #rows = 0;

  add(minute: number, owner: UsageOwner, amounts: Readonly<Partial<Amounts>>): void {
    const ofMinute = this.#open.get(minute) ?? new Map<string, { owner: UsageOwner; amounts: Amounts }>();
    this.#open.set(minute, ofMinute);
    const known = this.#known(owner, ofMinute);
    const key = ownerKey(known);
    const sum = ofMinute.get(key) ?? { owner: known, amounts: noAmounts() };
    ofMinute.set(key, sum);
    addAmounts(sum.amounts, amounts);
  }

  /** What has not been taken yet, to be written; it stays in the history. */
  take(): readonly UsageRow[] {
    const taken = this.#open;
    this.#open = new Map();
    const rows = [...taken].flatMap(([at, ofMinute]) =>
      [...ofMinute.values()].filter(({ amounts }) => isSome(amounts)).map((one) => ({ at, ...one })),
    );
    for (const row of rows) this.#keep(row, 'minutes');
    return rows;
  }

  /** What is written, in place of what is known of it; what has not been taken stays. */
  replace(minutes: readonly UsageRow[], hours: readonly UsageRow[]): void {
    this.#series.clear();
    this.#rows = 0;
    for (const row of hours) this.#keep(row, 'hours');
    for (const row of minutes) this.#keep(row, 'minutes');
  }

  /** Makes hours of minutes that are older than a day, and forgets old hours. `hour`: the one that goes on. */
  compact(hour: number): void {
    for (const [key, { owner, minutes, hours }] of this.#series) {
      for (const [minute, packed] of minutes) {
        if (Math.floor(minute / 60) >= hour - minuteHours) continue;
        minutes.delete(minute);
        this.#rows -= 1;
        this.#keep({ at: Math.floor(minute / 60), owner, amounts: unpacked(packed) }, 'hours');
      }
      for (const at of hours.keys()) if (at < hour - hourDays * 24 && hours.delete(at)) this.#rows -= 1;
      if (minutes.size === 0 && hours.size === 0) this.#series.delete(key);
    }
    this.#forgetRows();
  }

  /** Steps between two times in milliseconds since the Unix epoch: `since` is in the first one. */
  steps(step: UsageStep, since: number, until: number, application: string | null = null): readonly UsageSteps[] {
    const stepMs = step === 'minute' ? 60_000 : 3_600_000;
    const [first, last] = [Math.floor(since / stepMs), Math.ceil(until / stepMs) - 1];
    const found = new Map<string, { readonly owner: UsageOwner; readonly steps: Map<number, Amounts> }>();
    const isAsked = (owner: UsageOwner, at: number): boolean =>
      at >= first && at <= last && (application === null || owner.application === application);
    const add = (owner: UsageOwner, at: number, amounts: Readonly<Amounts>): void => {
      const key = ownerKey(owner);
      const series = found.get(key) ?? { owner, steps: new Map<number, Amounts>() };
      found.set(key, series);
      const sum = series.steps.get(at) ?? noAmounts();
      series.steps.set(at, sum);
      addAmounts(sum, amounts);
    };
    const numberOf = (minute: number): number => (step === 'minute' ? minute : Math.floor(minute / 60));
    for (const { owner, minutes, hours } of this.#series.values()) {
      if (step === 'hour') for (const [at, kept] of hours) if (isAsked(owner, at)) add(owner, at, unpacked(kept));
      for (const [minute, kept] of minutes)
        if (isAsked(owner, numberOf(minute))) add(owner, numberOf(minute), unpacked(kept));
    }
    for (const [minute, ofMinute] of this.#open)
      for (const { owner, amounts } of ofMinute.values())
        if (isSome(amounts) && isAsked(owner, numberOf(minute))) add(owner, numberOf(minute), amounts);
    return [...found.values()].map(({ owner, steps }) => ({
      owner,
      steps: new Map([...steps].toSorted(([a], [b]) => a - b)),
    }));
  }

  /** Restarts in the minutes that are kept, by series. Called every two seconds while somebody watches: nothing is unpacked. */
  get restarts(): ReadonlyMap<string, number> {
    const index = summed.indexOf('restarts');
    const found = new Map<string, number>();
    const add = (key: string, count: number): void => void (count > 0 && found.set(key, (found.get(key) ?? 0) + count));
    for (const [key, { minutes }] of this.#series) for (const kept of minutes.values()) add(key, kept[index] as number);
    for (const ofMinute of this.#open.values()) for (const [key, { amounts }] of ofMinute) add(key, amounts.restarts);
    return found;
  }

  /** When the first of what is known was used, in milliseconds since the Unix epoch; null: nothing is. */
  get since(): number | null {
    let first = Infinity;
    for (const { minutes, hours } of this.#series.values()) {
      for (const at of hours.keys()) first = Math.min(first, at * 3_600_000);
      for (const at of minutes.keys()) first = Math.min(first, at * 60_000);
    }
    for (const at of this.#open.keys()) first = Math.min(first, at * 60_000);
    return Number.isFinite(first) ? first : null;
  }

  /** Where there is no room for another release, the application's releases without a name of their own have its part. */
  #known(owner: UsageOwner, ofMinute: ReadonlyMap<string, unknown>): UsageOwner {
    const key = ownerKey(owner);
    if (ofMinute.has(key) || this.#series.has(key) || this.#series.size + ofMinute.size < seriesMax) return owner;
    return { ...owner, release: '' };
  }

  #keep({ at, owner, amounts }: UsageRow, length: 'minutes' | 'hours'): void {
    const key = ownerKey(owner);
    const series = this.#series.get(key) ?? { owner, minutes: new Map(), hours: new Map() };
    this.#series.set(key, series);
    const known = series[length].get(at);
    if (known === undefined) this.#rows += 1;
    const sum = known === undefined ? noAmounts() : unpacked(known);
    addAmounts(sum, amounts);
    series[length].set(at, packed(sum));
  }

  /** The oldest hours go first. */
  #forgetRows(): void {
    if (this.#rows <= rowsMax) return;
    const oldest = [...this.#series.values()]
      .flatMap(({ hours }) => [...hours.keys()].map((at) => ({ at, hours })))
      .toSorted((a, b) => a.at - b.at);
    for (const { at, hours } of oldest.slice(0, this.#rows - rowsMax)) {
      hours.delete(at);
      this.#rows -= 1;
    }
  }
}

function isSome(amounts: Readonly<Amounts>): boolean {
  return amounts.peakBytes > 0 || summed.some((key) => amounts[key] > 0);
}

/** The sums, the peak, and each cell of the durations with its count. */
function packed(amounts: Readonly<Amounts>): Float64Array {
  const cells = [...amounts.durations].flat();
  return Float64Array.from([...summed.map((key) => amounts[key]), amounts.peakBytes, ...cells]);
}

function unpacked(values: Float64Array): Amounts {
  const amounts = noAmounts();
  for (const [index, key] of summed.entries()) amounts[key] = values[index] as number;
  amounts.peakBytes = values[summed.length] as number;
  for (let at = summed.length + 1; at + 1 < values.length; at += 2)
    amounts.durations.set(values[at] as number, values[at + 1] as number);
  return amounts;
}
