import { commonCell, durationBoundsMs, type ExchangeCount, startOfDuration } from '../core/counters.ts';
import { SlidingSeconds } from './family-window.ts';
import type { RouteLatencies } from './route-latencies.ts';
import type { RouteRates } from './route-rates.ts';

/** Routes on which an application has answered with errors of its own after one time. */
export interface WaitedRoutes {
  readonly routes: readonly string[];
  /** Of the last minute. */
  readonly errors: number;
  /** The shortest of them: a timer ends at its time or a little later. */
  readonly afterMs: number;
  /** With which most of them came; null: with different ones, or that is not known. */
  readonly status: number | null;
  /** The other routes of the upstream, in the last minute; null: they had too few requests. */
  readonly elsewhere: { readonly routes: number; readonly requests: number; readonly failed: number } | null;
}

const sliceS = 10;
const slices = 6;

/** Fewer errors may take as long as each other by chance. */
const errorsMin = 5;

/** What answers sooner has not waited for anything with a timeout: those of programs are hardly ever shorter. */
const waitMinMs = 200;

/** An error that takes about as long as any response of the route has not waited for it. */
const usualTimes = 2;

/** Timeouts are round numbers: what takes another time may be work that fails at its end. Timers end a little late. */
const roundNumbers = [1, 1.5, 2, 2.5, 3, 4, 4.5, 5, 6, 7, 8, 9, 10];
const timerLateMax = 1.08;

export function mayBeTimeout(ms: number): boolean {
  const digits = ms / 10 ** Math.floor(Math.log10(ms));
  return roundNumbers.some((one) => digits >= 0.99 * one && digits <= timerLateMax * one);
}

const routesMax = 200;
const statusesMax = 8;

/** More requests than this say whether a route is well. */
const elsewhereMin = 20;

interface Slice {
  readonly slice: number;
  readonly cells: Float64Array;
  /** The shortest duration of each cell that begins a batch. */
  readonly least: Float64Array;
}

/** How long requests of each route took that an application answered with an error of its own. */
export class ErrorWaits {
  readonly #routes = new Map<string, Slice[]>();
  readonly #statuses = new Map<number, SlidingSeconds>();

  add({ route, durations, durationMsMin }: ExchangeCount, second: number): void {
    const known = this.#routes.get(route) ?? [];
    if (known.length === 0 && this.#routes.size >= routesMax) return;
    const slice = Math.floor(second / sliceS);
    let newest = known.at(-1);
    if (newest?.slice !== slice) {
      const cells = durationBoundsMs.length + 1;
      newest = { slice, cells: new Float64Array(cells), least: new Float64Array(cells).fill(Infinity) };
      this.#routes.set(
        route,
        [...known, newest].filter((one) => one.slice > slice - slices),
      );
    }
    const first = durations.findIndex((count) => count > 0);
    if (first === -1) return;
    newest.least[first] = Math.min(newest.least[first] as number, Math.max(durationMsMin, startOfDuration(first)));
    for (let cell = first; cell < durations.length; cell++)
      newest.cells[cell] = (newest.cells[cell] as number) + (durations[cell] as number);
  }

  addStatus(status: number, second: number, count: number): void {
    let known = this.#statuses.get(status);
    if (known === undefined && this.#statuses.size >= statusesMax) return;
    if (known === undefined) this.#statuses.set(status, (known = new SlidingSeconds()));
    known.add(second, count);
  }

  /** Of these routes those that have most errors; null: those take different times, or as long as other responses. */
  of(names: readonly string[], second: number, rates: RouteRates, latencies: RouteLatencies): WaitedRoutes | null {
    const shares = names.map((route) => ({ route, share: this.#shareOf(route, second, rates) }));
    const worst = Math.max(0, ...shares.map(({ share }) => share));
    const routes = shares.flatMap(({ route, share }) => (share > 0 && share * 5 >= worst ? [route] : []));
    const waited = this.#common(routes, second);
    if (waited === null || waited.errors < errorsMin || waited.afterMs < waitMinMs) return null;
    if (routes.some((route) => usualTimes * (latencies.usualMs(route) ?? 0) > waited.afterMs)) return null;
    const others = rates.names.filter((name) => !routes.includes(name));
    const { requests, failed } = rates.sum(others, new Set(['application'] as const), second, sliceS * slices);
    return {
      ...{ routes, ...waited, status: this.status(second) },
      elsewhere: requests < elsewhereMin ? null : { routes: others.length, requests, failed },
    };
  }

  #shareOf(route: string, second: number, rates: RouteRates): number {
    const { requests, failed } = rates.sum([route], new Set(['application'] as const), second, sliceS * slices);
    return requests === 0 ? 0 : failed / requests;
  }

  #common(routes: readonly string[], second: number): Pick<WaitedRoutes, 'errors' | 'afterMs'> | null {
    const cells = new Float64Array(durationBoundsMs.length + 1);
    const least = new Float64Array(cells.length).fill(Infinity);
    let errors = 0;
    const oldest = Math.floor(second / sliceS) - slices;
    for (const one of routes.flatMap((route) => this.#routes.get(route) ?? [])) {
      if (one.slice <= oldest) continue;
      for (let cell = 0; cell < cells.length; cell++) {
        cells[cell] = (cells[cell] as number) + (one.cells[cell] as number);
        least[cell] = Math.min(least[cell] as number, one.least[cell] as number);
        errors += one.cells[cell] as number;
      }
    }
    const common = commonCell(cells);
    if (common === null) return null;
    const from = common > 0 && (cells[common - 1] as number) > 0 ? common - 1 : common;
    const found = Math.min(...least.slice(from, common + 2));
    return { errors, afterMs: found === Infinity ? startOfDuration(from) : found };
  }

  /** With which at least three quarters of the application's errors came, in the last minute; null: with different ones, or that is not known. */
  status(second: number): number | null {
    const counts = [...this.#statuses].map(([status, of]) => ({ status, count: of.sum(second, sliceS * slices) }));
    const all = counts.reduce((sum, { count }) => sum + count, 0);
    return counts.find(({ count }) => count > 0 && count >= 0.75 * all)?.status ?? null;
  }
}
