import { durationBoundsMs, type ExchangeCount, startOfDuration } from '../core/counters.ts';
import { filledAbove } from '../core/latency-cells.ts';
import type { Lateness } from '../core/live-incident.ts';
import type { RouteTraffic } from '../core/route-traffic.ts';
import type { PartBeginning } from './path-parts.ts';
import { areFewerThanChance } from './replaced-answers.ts';
import { LatenessSeconds, type SteadySpan } from './steady-lateness.ts';
import { addSlice, sliceS, UnsettledSlices } from './unsettled-slices.ts';

/** Late is what takes longer until it is complete than this many times the usual p90 of the route, and so much more; people notice it from `severeMs` on. */
const lateTimes = 3;
const latePlusMs = 100;
const severeMs = 300;
const lateUsuallyMin = 0.01;

/** One second in so many is enough to know what is usual. */
const learntEveryS = 5;
/** Of how large responses are, a new one counts for so much. */
const learntShare = 0.1;
/** Fewer responses, or a shorter time, say nothing of what is usual. */
const knownMin = 20;
const learntS = 30;

/** A larger response is sent as fast as its client takes it; what waits in the buffers of a connection is not. */
const bytesMax = 256 * 1024;
/** The same of an upload: it takes as long as its client sends. */
const bytesInMax = 16 * 1024;
/** Larger responses than before may take longer. */
const largerMax = 1.5;

/** So many of the responses, from second to second: what their bodies wait for may stand still for some seconds, but then all end at once. */
const sights: readonly (SteadySpan & { readonly shareMin: number })[] = [
  { widthS: 8, partS: 2, spreadS: 6, secondsMin: 6, shareMin: 0.5 },
  { widthS: 9, partS: 3, spreadS: 7, secondsMin: 7, shareMin: 0.3 },
];
const beforeS = 60;

/** They come in place of those that are in time (e^-5): many visitors with slow lines come besides. */
const missingChanceMax = 5;

/** Of several clients, none of which has more than this share. */
const clientsMin = 4;
const clientShareMax = 0.5;
const clientsKeptMax = 500;

const routesMax = 1000;

/** What a route sends, and how long that takes. */
class BodyTimes {
  readonly #usual = noCells();
  readonly #recent: UnsettledSlices<Float64Array>;
  readonly seconds = new LatenessSeconds();
  #clients: { readonly second: number; readonly client: string }[] = [];
  readonly #bytes: { usual: number | null; now: number | null } = { usual: null, now: null };
  limitMs: number | null = null;
  #countedSince = 0;
  #lateUsually = lateUsuallyMin;
  /** An incident is about them. */
  isOpen = false;

  constructor(second: number) {
    this.#recent = new UnsettledSlices(second, noCells);
  }

  /** How many took long. */
  add({ count, durations, durationMsMax, bytesOut, client = '' }: ExchangeCount, second: number): number {
    const { limitMs } = this;
    if (second % learntEveryS === 0) this.#learn(durations, count, second);
    if (limitMs === null) return 0;
    const usual = this.#lateUsually * count;
    const late = durationMsMax <= limitMs ? 0 : countFrom(durations, limitMs);
    if (late === 0) {
      this.seconds.addInTime(second, count, usual);
      if (second % learntEveryS === 0) this.#bytes.usual = learnt(this.#bytes.usual, bytesOut / count);
      return 0;
    }
    this.seconds.add({
      second,
      answered: count,
      late,
      severe: countFrom(durations, Math.max(limitMs, severeMs)),
      usual,
    });
    if (2 * late >= count) {
      this.#bytes.now = learnt(this.#bytes.now, bytesOut / count);
      this.#clients.push({ second, client });
      if (this.#clients.length > 2 * clientsKeptMax) this.#clients = this.#clients.slice(-clientsKeptMax);
    }
    return late;
  }

  #learn(durations: readonly number[], count: number, second: number): void {
    const cells = this.#recent.at(second);
    for (let cell = 0, left = count; left > 0 && cell < cells.length; cell++) {
      const own = durations[cell] as number;
      if (own === 0) continue;
      (cells[cell] as number) += own;
      left -= own;
    }
  }

  /** The second since which it sends slowly; null: it does not. */
  slowSince(second: number): number | null {
    if (this.#clients.length === 0) return null;
    this.#clients = this.#clients.filter((one) => one.second > second - beforeS);
    for (const sight of sights)
      if (
        this.seconds.isSteady('severe', sight.shareMin, second, sight) &&
        this.#areFewerInTime(second, sight.widthS) &&
        this.#areSeveralClients(second - sight.widthS) &&
        (this.#bytes.now ?? 0) <= largerMax * (this.#bytes.usual ?? 0)
      )
        return this.seconds.firstLate('severe', second, sight.widthS);
    return null;
  }

  #areFewerInTime(second: number, widthS: number): boolean {
    const [now, before] = [this.seconds.sum(second, widthS), this.seconds.sum(second - widthS, beforeS)];
    const widths = Math.min(beforeS, second - widthS - this.#countedSince) / widthS;
    const expected = (before.answered - before.late) / widths;
    return areFewerThanChance({ usual: now.answered - now.late, expected, widths }, missingChanceMax);
  }

  #areSeveralClients(after: number): boolean {
    const counts = new Map<string, number>();
    for (const { second, client } of this.#clients)
      if (second > after) counts.set(client, (counts.get(client) ?? 0) + 1);
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    return counts.size >= clientsMin && Math.max(...counts.values()) <= clientShareMax * all;
  }

  settle(second: number, isUsual: boolean): void {
    this.#recent.settle(second, isUsual, (cells) => addSlice(this.#usual, cells));
    const known = this.#usual.reduce((sum, count) => sum + count, 0);
    if (known < knownMin || second - this.#recent.firstSecond < learntS) return;
    if (this.limitMs === null) this.#countedSince = second;
    this.limitMs = Math.round(lateTimes * (quantileOf(this.#usual, 0.9) as number) + latePlusMs);
    this.#lateUsually = Math.max(lateUsuallyMin, countFrom(this.#usual, this.limitMs) / known);
  }

  lateness(route: string): Lateness | null {
    const usualMs = quantileOf(this.#usual, 0.5);
    const now = noCells();
    for (const [, cells] of [...this.#recent.entries()].slice(-2))
      for (let cell = 0; cell < now.length; cell++) (now[cell] as number) += cells[cell] as number;
    const nowMs = quantileOf(now, 0.5);
    return usualMs === null || nowMs === null || this.limitMs === null
      ? null
      : { route, usualMs, nowMs, limitMs: this.limitMs, isOfBody: true };
  }
}

const learnt = (known: number | null, one: number): number =>
  known === null ? one : known + (one - known) * learntShare;

const noCells = (): Float64Array => new Float64Array(durationBoundsMs.length + 1);

function countFrom(cells: ArrayLike<number>, limitMs: number): number {
  let count = 0;
  for (let cell = cells.length - 1; cell >= 0 && startOfDuration(cell) >= limitMs; cell--) count += cells[cell] ?? 0;
  return count;
}

function quantileOf(cells: Float64Array, share: number): number | null {
  let left = share * cells.reduce((sum, count) => sum + count, 0);
  if (left === 0) return null;
  for (let cell = 0; cell < cells.length; cell++) {
    left -= cells[cell] as number;
    if (left <= 0) return durationBoundsMs[cell] ?? startOfDuration(cell);
  }
  return startOfDuration(cells.length - 1);
}

/** Finds responses that begin as soon as ever and come slowly: a storage, a network, or a limit of bandwidth. */
export class SlowBodies {
  readonly #routes = new Map<string, BodyTimes>();

  /** Requests that succeeded. How many of them an incident is about. */
  add(counted: ExchangeCount, second: number): number {
    const { route, count, statusClass, bytesIn, bytesOut } = counted;
    // Calls of gRPC may be streams, which last as long as they have something to say.
    if (statusClass !== '2xx' || counted.isLongLived === true || counted.grpcStatus !== null) return 0;
    if (bytesIn > bytesInMax * count || bytesOut > bytesMax * count) return 0;
    let known = this.#routes.get(route);
    if (known === undefined) {
      if (this.#routes.size >= routesMax) return 0;
      this.#routes.set(route, (known = new BodyTimes(second)));
    }
    const late = known.add(counted, second);
    return known.isOpen ? late : 0;
  }

  /** Responses that began so late that it is not their bodies that take long. */
  addLateHeads({ route, latencies }: Pick<RouteTraffic, 'route' | 'latencies'>, second: number): void {
    const known = this.#routes.get(route);
    if (known === undefined || known.limitMs === null) return;
    const late = filledAbove(latencies, known.limitMs);
    const severe = filledAbove(latencies, Math.max(known.limitMs, severeMs));
    if (late > 0) known.seconds.add({ second, answered: 0, late: -late, severe: -severe, usual: 0 });
  }

  judge(second: number): readonly PartBeginning[] {
    return [...this.#routes].flatMap(([route, known]) => {
      const since = known.isOpen ? null : known.slowSince(second);
      if (since === null) return [];
      known.isOpen = true;
      const counts = Array.from({ length: second - since + 1 }, (_, at) => ({
        second: since + at,
        count: Math.max(0, known.seconds.sum(since + at, 1).late),
      }));
      return [{ family: 'slower', route, second: since, counts }];
    });
  }

  /** Once a second. `isUsual`: there is no incident. */
  settle(second: number, isUsual: boolean): void {
    for (const known of this.#routes.values()) {
      if (isUsual) known.isOpen = false;
      if (second % sliceS === 0 || !isUsual) known.settle(second, isUsual);
    }
  }

  /** Of the first of these routes whose bodies an incident is about; null: of none. */
  lateness(routes: readonly string[]): Lateness | null {
    for (const route of routes) {
      const known = this.#routes.get(route);
      const found = known?.isOpen === true ? known.lateness(route) : null;
      if (found !== null) return found;
    }
    return null;
  }
}
