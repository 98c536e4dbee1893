import { upperShare } from '../core/upper-share.ts';
import { countAbove, latencyQuantileMs } from '../core/latency-cells.ts';

/** A busy hour, more data and cold caches make all responses take longer: up to so many times as long is no outage. */
const slowerMax = 2;
/** What would be an incident is none unless such reasons explain it by e^-8 at most: they are seldom that strong, and it is asked of few seconds. */
export const ordinaryChanceMax = 8;
/** Of few responses the median is uncertain: two standard deviations of its rank are added, which is no more than this. */
const rankMax = 0.95;

const sumOf = (counts: ArrayLike<number>): number => {
  let sum = 0;
  for (let at = 0; at < counts.length; at++) sum += counts[at] as number;
  return sum;
};

/** How many times as long as usual responses may take, judged by the half of them that is faster: what is late alone does not move that. */
export function timesSlower(usual: ArrayLike<number>, now: ArrayLike<number>): number {
  const rank = Math.min(rankMax, 0.5 + 1 / Math.sqrt(Math.max(1, sumOf(now))));
  const [usualMs, nowMs] = [latencyQuantileMs(usual, 0.5), latencyQuantileMs(now, rank)];
  if (usualMs === null || nowMs === null) return slowerMax;
  return Math.min(slowerMax, Math.max(1, nowMs / usualMs));
}

/** The share of the usual ones that took longer than a limit. */
export function shareAbove(usual: ArrayLike<number>, limitMs: number): number {
  const known = sumOf(usual);
  return known === 0 ? 0 : countAbove(usual, limitMs) / known;
}

/** The share that would take longer, if each took so many times as long; and the largest one for which those that are known speak (95 %). */
export function shareIfSlower(
  usual: ArrayLike<number>,
  limitMs: number,
  times: number,
): readonly [share: number, most: number] {
  const [known, above] = [sumOf(usual), countAbove(usual, limitMs / times)];
  return known === 0 ? [1, 1] : [above / known, upperShare(above, known)];
}

const sliceS = 10;
const keptSlices = 36;
/** The newest slices show how many are late now; slices before them, without a gap, of which at least half as many were late belong to the same time. */
const newestSlices = 2;
const sameMin = 1 / 2;
/** They are compared with so many slices before them, of which so many are known. */
const beforeMax = 12;
const beforeMin = 2;
/** Minutes differ by so much more than chance makes them. */
const variation = 0.15;
/** So many times likelier, as e^n, it must be that late ones came besides than in place of the usual ones. */
const likelierMin = 3;

/** What came from `begin` until `end` is compared with what has come from `from` on, until now. */
export interface ComparedTimes {
  readonly begin: number;
  readonly end: number;
  readonly from: number;
  readonly second: number;
}

interface Slice {
  readonly slice: number;
  inTime: number;
  late: number;
}

/**
 * Tells late responses to more requests from those to usual requests that take longer now. In an outage they are missing among the responses that are in time; where
 * a client asks for long reports, or more clients than usual for what takes long by its nature, as many responses as before are in time besides.
 */
export class LateBesides {
  readonly #slices: Slice[] = [];

  add(second: number, inTime: number, late: number): void {
    const slice = Math.floor(second / sliceS);
    let newest = this.#slices.at(-1);
    if (newest?.slice !== slice) {
      this.#slices.push((newest = { slice, inTime: 0, late: 0 }));
      if (this.#slices.length > keptSlices) this.#slices.shift();
    }
    newest.inTime += inTime;
    newest.late += late;
  }

  /** Responses of the slices that begin in this time. */
  answered(from: number, until: number): number {
    const { inTime, late } = sumOfSlices(
      this.#slices.filter(({ slice }) => slice * sliceS >= from && slice * sliceS < until),
    );
    return inTime + late;
  }

  /** `grown`: how many times as many requests as before other routes have now. */
  areBesides(second: number, grown: (times: ComparedTimes) => number = () => 1): boolean {
    const slices = this.#slices.filter(({ slice }) => slice > second / sliceS - keptSlices);
    const share = lateShare(slices.slice(-newestSlices));
    let first = slices.length - 1;
    while (first > 0 && lateShare([slices[first - 1] as Slice]) >= sameMin * share) first -= 1;
    const from = slices[first]?.slice;
    if (from === undefined) return false;
    // The slice in which it began has both.
    const beforeSlices = slices.filter(({ slice }) => slice < from - 1).slice(-beforeMax);
    const begin = beforeSlices[0]?.slice;
    if (begin === undefined || beforeSlices.length < beforeMin) return false;
    const now = sumOfSlices(slices.slice(first));
    const before = sumOfSlices(beforeSlices);
    const times = { begin: begin * sliceS, end: (from - 1) * sliceS, from: from * sliceS, second };
    const per = (Math.max(1, grown(times)) * (second + 1 - times.from)) / (times.end - times.begin);
    const expected = before.inTime * per;
    if (expected === 0) return false;
    const missing = Math.min(expected, now.late - before.late * per);
    const variance = expected * (1 + per) + (variation * expected) ** 2;
    // Of two normal distributions.
    const likelier = (missing * (now.inTime - expected + missing / 2)) / variance;
    return likelier >= likelierMin;
  }
}

const lateShare = (slices: readonly Slice[]): number => {
  const { inTime, late } = sumOfSlices(slices);
  return late / Math.max(1, inTime + late);
};

function sumOfSlices(slices: readonly Slice[]): Omit<Slice, 'slice'> {
  const sum = { inTime: 0, late: 0 };
  for (const one of slices) {
    sum.inTime += one.inTime;
    sum.late += one.late;
  }
  return sum;
}

/** Of the late responses of a route, so many samples of one client: it has more than this share. */
const lateSamplesMin = 3;
const clientShareMin = 0.7;
const lateKeptS = 90;
const lateKeptMax = 200;
/** So many of its responses were in time: it is a usual client, for which the route has become slow. */
const usualMin = 3;
const clientsMax = 256;

/** Whose late responses are: a client that begins to ask for what takes long shows nothing of the others. By hash. */
export class LateClients {
  #late: { readonly second: number; readonly client: number }[] = [];
  readonly #lateAt = new Map<number, number>();
  /** Samples of responses in time, of clients that have had no late one for a while. */
  readonly #inTime = new Map<number, number>();

  addLate(client: number, second: number): void {
    this.#late.push({ second, client });
    if (this.#late.length > lateKeptMax) this.#late = this.#late.slice(-lateKeptMax / 2);
    put(this.#lateAt, client, second);
  }

  addInTime(client: number, second: number): void {
    if ((this.#lateAt.get(client) ?? -Infinity) > second - lateKeptS) return;
    put(this.#inTime, client, (this.#inTime.get(client) ?? 0) + 1);
  }

  /** Nearly all are those of one client that the route has hardly answered in time before. */
  isOneNewcomer(second: number, widthS: number): boolean {
    const late = this.#late.filter((one) => one.second > second - Math.min(lateKeptS, widthS));
    if (late.length < lateSamplesMin) return false;
    const counts = new Map<number, number>();
    for (const { client } of late) counts.set(client, (counts.get(client) ?? 0) + 1);
    const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
    if (most === undefined || most[1] < clientShareMin * late.length) return false;
    return (this.#inTime.get(most[0]) ?? 0) < usualMin && this.#inTime.size >= usualMin;
  }
}

/** As the newest of a bounded number of clients. */
function put(clients: Map<number, number>, client: number, value: number): void {
  clients.delete(client);
  clients.set(client, value);
  const [oldest] = clients.keys();
  if (clients.size > clientsMax && oldest !== undefined) clients.delete(oldest);
}
