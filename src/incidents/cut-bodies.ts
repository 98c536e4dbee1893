import { upperShare } from '../core/upper-share.ts';
import { chanceExponent } from './chance.ts';
import { commonDuration, durationBoundsMs, type ExchangeCount, startOfDuration } from '../core/counters.ts';

/** Who leaves several responses after one such time has a timeout: people stop downloads at any time. */
const timeoutMs = 1000;
const keptS = 60;
const clientsMin = 3;

/** Whole responses of the route hardly ever take so long: those of downloads do. */
const longMs = 500;
const longMax = 0.1;
const knownMin = 100;

/** So many in so many seconds, in either half of that time, are an incident by themselves, where that is no chance (e^-n) of those that were cut before. */
const sight = { widthS: 20, cutMin: 9, halfMin: 3, clientsMin: 4, clientShareMax: 0.5, chanceMin: 14 } as const;
const usualMin = 0.001;
/** What was before counts half when so many more have come. */
const wholeMax = 20_000;

/** Responses of one route that clients leave in their middle, although they take no time as a rule: a file server that stalls, a proxy that loses the rest. */
export class CutBodies {
  #whole = 0;
  #long = 0;
  #usualCut = 0;
  #cut: {
    readonly second: number;
    readonly durations: readonly number[];
    readonly meanMs: number;
    readonly clients: readonly string[];
  }[] = [];

  addWhole({ count, durations, durationMsMax }: ExchangeCount): void {
    this.#whole += count;
    if (this.#whole > wholeMax) {
      this.#whole /= 2;
      this.#long /= 2;
      this.#usualCut /= 2;
    }
    if (durationMsMax >= longMs) this.#long += countBetween(durations, longMs, Infinity);
  }

  /** How many of these were left after the time after which nearly all of the last minute were; null: they tell nothing. */
  add(
    { count, durations, durationMsSum, clients = [] }: ExchangeCount,
    second: number,
  ): { readonly count: number; readonly afterMs: number } | null {
    if (!this.#isKnown) return null;
    this.#cut.push({ second, durations, meanMs: durationMsSum / count, clients: clients.map(({ client }) => client) });
    for (const one of this.#cut)
      if (one.second <= second - keptS) this.#usualCut += countBetween(one.durations, timeoutMs, Infinity);
    this.#cut = this.#cut.filter((one) => one.second > second - keptS);
    if ((commonOf(this.#cut) ?? 0) < timeoutMs) return null;
    // The cells of durations are wide: of most of them one is exact.
    const afterMs = medianOf(this.#cut.map(({ meanMs }) => meanMs));
    if (new Set(this.#cut.flatMap((one) => one.clients)).size < clientsMin) return null;
    return { count: countBetween(durations, 0.7 * afterMs, 1.4 * afterMs), afterMs };
  }

  /** Whole responses hardly ever take long. */
  get #isKnown(): boolean {
    return this.#whole >= knownMin && this.#long <= longMax * this.#whole;
  }

  /** The second since which many clients leave them after one time; null: they do not. `answered`: responses of the last so many seconds. */
  since(second: number, answered: (widthS: number) => number): number | null {
    const newest = this.#cut.at(-1);
    if (newest === undefined || newest.second < second - 1) return null;
    const { widthS, cutMin, halfMin, clientsMin: several, clientShareMax, chanceMin } = sight;
    const recent = this.#cut.filter((one) => one.second > second - widthS);
    if (!this.#isKnown || (commonOf(recent) ?? 0) < timeoutMs) return null;
    const afterMs = medianOf(recent.map(({ meanMs }) => meanMs));
    const countOf = (all: readonly { readonly durations: readonly number[] }[]): number =>
      all.reduce((sum, { durations }) => sum + countBetween(durations, 0.7 * afterMs, 1.4 * afterMs), 0);
    const count = countOf(recent);
    const first = countOf(recent.filter((one) => one.second <= second - widthS / 2));
    if (count < cutMin || first < halfMin || count - first < halfMin) return null;
    const clients = new Map<string, number>();
    for (const one of recent.flatMap((cut) => cut.clients)) clients.set(one, (clients.get(one) ?? 0) + 1);
    const most = Math.max(...clients.values());
    if (clients.size < several || most > clientShareMax * count) return null;
    const usual = Math.max(usualMin, upperShare(this.#usualCut, Math.max(this.#usualCut, this.#whole)));
    const all = Math.max(count, answered(widthS));
    return chanceExponent(count, all, usual) < chanceMin ? null : (recent[0]?.second ?? second);
  }
}

/** After which time nearly all of them were left; null: after different ones. */
function commonOf(all: readonly { readonly durations: readonly number[] }[]): number | null {
  const sum = new Float64Array(durationBoundsMs.length + 1);
  for (const { durations } of all)
    for (let cell = 0; cell < sum.length; cell++) (sum[cell] as number) += durations[cell] ?? 0;
  return commonDuration(sum);
}

const medianOf = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0;

const countBetween = (durations: readonly number[], fromMs: number, untilMs: number): number =>
  durations.reduce((sum, one, cell) => {
    const start = startOfDuration(cell);
    return sum + (start >= fromMs && start <= untilMs ? one : 0);
  }, 0);
