import { bitCount } from '../core/bit-count.ts';
import { missingForm, redirectForm, sizeCells, unsafeKey, upgradeKey } from '../core/content-kind.ts';
import { answerParts, type RouteTraffic } from '../core/route-traffic.ts';
import { chanceExponent } from './chance.ts';

const sliceS = 5;
/** The last seconds are compared with the minute before them. */
const widthsS = [20, 40] as const;
const beforeS = 60;
const keptSlices = (Math.max(...widthsS) + beforeS) / sliceS;

/** Requests in vain: so many of these seconds, from so many groups of clients, steadily, and hardly any before. */
const vainMin = 20;
const clientsMin = 6;
const evenMin = 1 / 2;
const beforeMax = 1 / 4;

/** As many are missing at one path, by no chance, while all together are as many as before. */
const missingShare = { min: 0.5, max: 2 } as const;
const chanceMin = 12;
const togetherMin = 0.85;

const pathsMax = 512;

interface Vain {
  readonly counts: readonly number[];
  readonly clients: readonly number[];
}

interface VainAtRoute extends Vain {
  readonly counts: number[];
  readonly clients: number[];
  readonly route: string;
  readonly upstream: string;
}

/** Requests that have moved from a path that is answered to one that never was: an update of a program builds wrong paths. */
export interface MovedRequests {
  /** Of the requests in vain. */
  readonly route: string;
  readonly upstream: string;
  /** Where as many are missing. */
  readonly from: { readonly route: string; readonly path: string };
  readonly second: number;
}

/**
 * Compares requests for paths that never were with those that are missing elsewhere. A program that looks for holes asks for such paths as well: besides what
 * others ask for, and alone.
 */
export class MovedRequestsWatch {
  /** Good answers by route and pattern, and by slice; the same of all. */
  readonly #good = new Map<string, number[]>();
  readonly #all: number[] = [];
  readonly #vain = new Map<string, VainAtRoute>();
  #slice = -1;
  #known = 0;

  add({ route, upstream, patterns = [] }: Pick<RouteTraffic, 'route' | 'upstream' | 'patterns'>, second: number): void {
    this.#advance(Math.floor(second / sliceS));
    for (const { pattern, answers } of patterns) {
      const isUnknown = pattern.endsWith('/*');
      const good: [read: number, changed: number] = [0, 0];
      for (let at = 0; at < answers.length; at += answerParts) {
        const [key, count, clients] = [answers[at], answers[at + 1], answers[at + 2]] as [number, number, number];
        if (key >= upgradeKey) continue;
        const form = Math.floor((key % unsafeKey) / sizeCells);
        addTo(this.#all, count);
        if (form === missingForm) {
          if (isUnknown) this.#addVain(route, upstream, count, clients);
        } else if (form < redirectForm) good[key < unsafeKey ? 0 : 1] += count;
      }
      for (const [lane, count] of good.entries()) if (count > 0) this.#addGood(`${route}\n${pattern}\n${lane}`, count);
    }
  }

  #addGood(key: string, count: number): void {
    let counts = this.#good.get(key);
    if (counts === undefined) {
      if (this.#good.size >= pathsMax) return;
      this.#good.set(key, (counts = new Array<number>(this.#all.length).fill(0)));
    }
    addTo(counts, count);
  }

  #addVain(route: string, upstream: string, count: number, clients: number): void {
    const key = `${upstream}\n${route}`;
    let vain = this.#vain.get(key);
    if (vain === undefined) {
      if (this.#vain.size >= pathsMax) return;
      const none = (): number[] => new Array<number>(this.#all.length).fill(0);
      this.#vain.set(key, (vain = { route, upstream, counts: none(), clients: none() }));
    }
    addTo(vain.counts, count);
    (vain.clients[vain.clients.length - 1] as number) |= clients;
  }

  /** All lists end with the present slice. */
  #advance(slice: number): void {
    const passed = this.#slice === -1 ? 1 : Math.min(slice - this.#slice, keptSlices + 1);
    if (passed <= 0) return;
    this.#slice = slice;
    this.#known += passed;
    const lists = [
      this.#all,
      ...this.#good.values(),
      ...[...this.#vain.values()].flatMap((one) => [one.counts, one.clients]),
    ];
    for (const list of lists) {
      for (let one = 0; one < passed; one++) list.push(0);
      list.splice(0, list.length - keptSlices - 1);
    }
    for (const all of [this.#good, this.#vain])
      for (const [key, one] of all) if (Math.max(...(Array.isArray(one) ? one : one.counts)) === 0) all.delete(key);
  }

  /** Where they have moved to, of an upstream; null: nowhere. Once for each slice that is over. */
  judge(second: number, upstream: string): MovedRequests | null {
    if ((second + 1) % sliceS !== 0 || this.#vain.size === 0) return null;
    // The first batch of the next slice may have come already.
    const ahead = this.#slice - Math.floor(second / sliceS);
    if (ahead !== 0 && ahead !== 1) return null;
    const over = (counts: readonly number[]): readonly number[] => counts.slice(0, counts.length - ahead);
    for (const widthS of widthsS) {
      if (this.#known - ahead <= (widthS + beforeS) / sliceS) continue;
      for (const vain of this.#vain.values()) {
        const { counts, clients } = vain;
        if (vain.upstream !== upstream || !isSteady({ counts: over(counts), clients: over(clients) }, widthS)) continue;
        const from = this.#missing(newest(over(counts), widthS), widthS, over);
        if (from !== null) return { route: vain.route, upstream, from, second: second + 1 - widthS };
      }
    }
    return null;
  }

  #missing(
    vain: number,
    widthS: number,
    over: (counts: readonly number[]) => readonly number[],
  ): MovedRequests['from'] | null {
    const all = over(this.#all);
    if (newest(all, widthS) < togetherMin * expected(all, widthS)) return null;
    for (const [key, whole] of this.#good) {
      const counts = over(whole);
      const [now, usual] = [newest(counts, widthS), expected(counts, widthS)];
      const missing = usual - now;
      if (missing < missingShare.min * vain || missing > missingShare.max * vain) continue;
      const before = (usual * beforeS) / widthS;
      if (chanceExponent(before, before + now, beforeS / (beforeS + widthS)) < chanceMin) continue;
      const [route = '', path = ''] = key.split('\n');
      return { route, path };
    }
    return null;
  }
}

function addTo(counts: number[], count: number): void {
  (counts[counts.length - 1] as number) += count;
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, one) => sum + one, 0);
const newest = (counts: readonly number[], widthS: number): number => sumOf(counts.slice(-widthS / sliceS));
/** So many as in the minute before. */
const expected = (counts: readonly number[], widthS: number): number =>
  (sumOf(counts.slice(-(widthS + beforeS) / sliceS, -widthS / sliceS)) * widthS) / beforeS;

function isSteady({ counts, clients }: Vain, widthS: number): boolean {
  const now = counts.slice(-widthS / sliceS);
  const all = sumOf(now);
  if (all < vainMin || expected(counts, widthS) > beforeMax * all) return false;
  if (now.some((one) => one < (evenMin * all) / now.length)) return false;
  let groups = 0;
  for (const one of clients.slice(-now.length)) groups |= one;
  return bitCount(groups) >= clientsMin;
}
