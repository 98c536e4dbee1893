import { commonDuration, durationBoundsMs, type ExchangeCount, startOfDuration } from '../core/counters.ts';

/** Who leaves several responses after one such time has a timeout: people stop downloads at any time. */
const timeoutMs = 1000;
const keptS = 60;
const clientsMin = 3;

/** Whole responses of the route hardly ever take so long: those of downloads do. */
const longMs = 500;
const longMax = 0.1;
const knownMin = 100;

/** Responses of one route that clients leave in their middle, although they take no time as a rule: a file server that stalls, a proxy that loses the rest. */
export class CutBodies {
  #whole = 0;
  #long = 0;
  #cut: {
    readonly second: number;
    readonly durations: readonly number[];
    readonly meanMs: number;
    readonly clients: readonly string[];
  }[] = [];

  addWhole({ count, durations, durationMsMax }: ExchangeCount): void {
    this.#whole += count;
    if (durationMsMax >= longMs) this.#long += countBetween(durations, longMs, Infinity);
  }

  /** How many of these were left after the time after which nearly all of the last minute were; null: they tell nothing. */
  add(
    { count, durations, durationMsSum, clients = [] }: ExchangeCount,
    second: number,
  ): { readonly count: number; readonly afterMs: number } | null {
    if (this.#whole < knownMin || this.#long > longMax * this.#whole) return null;
    this.#cut.push({ second, durations, meanMs: durationMsSum / count, clients: clients.map(({ client }) => client) });
    this.#cut = this.#cut.filter((one) => one.second > second - keptS);
    const sum = new Float64Array(durationBoundsMs.length + 1);
    for (const one of this.#cut)
      for (let cell = 0; cell < sum.length; cell++) (sum[cell] as number) += one.durations[cell] ?? 0;
    if ((commonDuration(sum) ?? 0) < timeoutMs) return null;
    // The cells of durations are wide: of most of them one is exact.
    const afterMs = medianOf(this.#cut.map(({ meanMs }) => meanMs));
    if (new Set(this.#cut.flatMap((one) => one.clients)).size < clientsMin) return null;
    return { count: countBetween(durations, 0.7 * afterMs, 1.4 * afterMs), afterMs };
  }
}

const medianOf = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0;

const countBetween = (durations: readonly number[], fromMs: number, untilMs: number): number =>
  durations.reduce((sum, one, cell) => {
    const start = startOfDuration(cell);
    return sum + (start >= fromMs && start <= untilMs ? one : 0);
  }, 0);
