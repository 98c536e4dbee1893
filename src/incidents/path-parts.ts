import { unsafeKey, upgradeKey } from '../core/content-kind.ts';
import type { AnswerChange, Lateness } from '../core/live-incident.ts';
import { newcomerCells } from '../core/newcomer-cells.ts';
import { answerParts, type AttemptOfClient, type PatternAnswers, type RouteTraffic } from '../core/route-traffic.ts';
import { MovedPaths, type PartAnswers } from './moved-paths.ts';
import { changedTogether } from './replaced-answers.ts';
import { RouteAnswer } from './route-answer.ts';
import { RouteLatency } from './route-latency.ts';
import { LastChange } from './what-is-over.ts';

/** Paths of an upstream that are told apart. One without requests for so long makes room. */
const partsMax = 256;
const unusedS = 300;

/** One client that asks for what is slow shows nothing of the others: of the late requests of the last seconds so many clients, of which none has more than this share. */
const clientsMin = 3;
const clientShareMax = 0.7;
const clientsS = 30;
const slowKeptMax = 100;

/** Many paths are judged each second: a part must be less likely by chance than a route, by this factor e^n. */
const moreChance = 5;

const keptS = 60;

/** Paths that change together: each has this share of other answers in one of these times; and they are less likely by chance than routes are, as above. */
const togetherWithinS = [8, 16] as const;
const togetherShareMin = 0.2;
const togetherMore = 2;

/** Of few answers: that is asked of whole routes. */
const nothingTells: ReadonlySet<number> = new Set();

const noAnswers: readonly number[] = [];
const noneAwaited: readonly AttemptOfClient[] = [];

interface PartSecond {
  readonly second: number;
  answered: number;
  late: number;
  unusual: number;
}

/** The requests of one route at paths that look alike. */
interface Part {
  readonly route: string;
  readonly pattern: string;
  readonly latency: RouteLatency;
  answers: PartAnswers;
  readonly seconds: PartSecond[];
  /** Some of the slowest. */
  readonly slow: (AttemptOfClient & { readonly second: number })[];
  usedAt: number;
  /** An incident is about it, of this family. */
  open: UnusualFamily | null;
}

type UnusualFamily = 'slower' | 'changed';

/** Paths of a route that have begun to be slow, or to answer otherwise, and what came in each second since. */
export interface PartBeginning {
  readonly family: UnusualFamily;
  readonly route: string;
  readonly second: number;
  readonly counts: readonly { readonly second: number; readonly count: number }[];
}

/**
 * Compares the requests for paths that look alike with the last hour of the same paths. A route may be a whole application: a path that has become slow,
 * or answers otherwise, is little of it.
 */
export class PathParts {
  readonly #parts = new Map<string, Part>();
  /** Of all upstreams. */
  readonly #moved: MovedPaths;

  readonly #lastChange: LastChange;

  constructor(moved = new MovedPaths(), lastChange = new LastChange()) {
    this.#moved = moved;
    this.#lastChange = lastChange;
  }

  /** What the parts that an incident is about have added to it. */
  add({ route, patterns = [] }: RouteTraffic, second: number): { readonly late: number; readonly unusual: number } {
    const found = { late: 0, unusual: 0 };
    for (const one of patterns) {
      const part = this.#partOf(route, one.pattern, second);
      if (part === null) continue;
      const { late, unusual } = addTo(part, one, second);
      if (part.open === 'slower') found.late += late;
      if (part.open === 'changed') found.unusual += unusual;
    }
    return found;
  }

  #partOf(route: string, pattern: string, second: number): Part | null {
    const key = `${route}\n${pattern}`;
    let part = this.#parts.get(key);
    if (part === undefined) {
      if (this.#parts.size >= partsMax) return null;
      const latency = new RouteLatency(route, second, moreChance);
      const lane = (): RouteAnswer => new RouteAnswer(second, nothingTells, moreChance, this.#lastChange);
      const answers: PartAnswers = [lane(), lane()];
      const added: Part = { route, pattern, latency, answers, seconds: [], slow: [], usedAt: second, open: null };
      this.#parts.set(key, (part = added));
      this.#moved.add({ route, pattern, second, take: (before) => void (added.answers = before) }, answers);
    } else if (part.usedAt !== second) this.#moved.use(route, pattern, second);
    part.usedAt = second;
    return part;
  }

  judge(second: number): readonly PartBeginning[] {
    const together = this.#changedTogether(second);
    return [...this.#parts.values()].flatMap((part) => {
      if (part.open !== null || part.usedAt < second - 2) return [];
      const late = part.latency.slowSince(second);
      const slow = late !== null && isOfClients(part, second) ? late : null;
      const alone = slow ?? part.answers.map((lane) => lane.changedSince(second)).find((one) => one !== null);
      const since = alone ?? (together?.parts.has(part) === true ? together.since : null);
      if (since === null) return [];
      const family: UnusualFamily = slow === null ? 'changed' : 'slower';
      const counts = part.seconds
        .filter((one) => one.second >= since)
        .map((one) => ({ second: one.second, count: slow === null ? one.unusual : one.late }));
      // Its answers may be those of two routes: the other one has what is unusual.
      if (slow === null && counts.every(({ count }) => count === 0)) return [];
      part.open = family;
      return [{ family, route: part.route, second: since, counts }];
    });
  }

  /** A route may be a whole application: less of each path is enough where several change. */
  #changedTogether(second: number): { readonly since: number; readonly parts: ReadonlySet<Part> } | null {
    const parts = new Set<Part>();
    const lanes = [...this.#parts.values()].flatMap((part) => {
      if (part.open !== null) return [];
      const { route, pattern } = part;
      const changed = part.answers.filter(
        (lane) =>
          lane.isUnusualNow(second) &&
          togetherWithinS.some((widthS) => lane.replaced(second, widthS, togetherShareMin) !== null),
      );
      if (changed.length > 0) parts.add(part);
      return changed.map((lane) => ({
        route: `${route}\n${pattern}`,
        replaced: (...of: Parameters<typeof lane.replaced>) => lane.replaced(...of),
      }));
    });
    const since = parts.size < 2 ? null : changedTogether(lanes, second, togetherMore);
    return since === null ? null : { since, parts };
  }

  /** See `UsualOfPaths`. Of a path of which too little is known nothing is expected. */
  lateShare(route: string, limitMs: number, second: number, widthS: number): number {
    let [answered, late] = [0, 0];
    for (const part of this.#parts.values()) {
      if (part.route !== route) continue;
      const share = part.latency.usuallyAbove(limitMs, second - widthS) ?? 0;
      for (const one of part.seconds) {
        if (one.second <= second - widthS) continue;
        answered += one.answered;
        late += share * one.answered;
      }
    }
    return late / Math.max(1, answered);
  }

  /** Once a second. `isUsual`: there is no incident. */
  settle(second: number, isUsual: boolean): void {
    for (const [key, part] of this.#parts) {
      if (isUsual) part.open = null;
      if (part.usedAt < second - unusedS) this.#parts.delete(key);
      if (second % 10 !== 0 && isUsual) continue;
      part.latency.settle(second, isUsual);
      for (const lane of part.answers) lane.settle(second, isUsual);
    }
  }

  /** Of that which has become slow on one of these routes; null: none has. */
  lateness(routes: readonly string[], second: number): Lateness | null {
    const all = this.#open('slower', routes).flatMap(({ latency, route, pattern }) => {
      const found = latency.lateness(route, second);
      return found === null ? [] : [{ ...found, path: pattern }];
    });
    return all.toSorted((a, b) => b.nowMs / b.usualMs - a.nowMs / a.usualMs)[0] ?? null;
  }

  change(routes: readonly string[], second: number): AnswerChange | null {
    const all = this.#open('changed', routes).flatMap(({ answers, route, pattern }) =>
      answers.flatMap((lane) => {
        const found = lane.change(route, second);
        return found === null ? [] : [{ count: found.count, change: { ...found.change, path: pattern } }];
      }),
    );
    return all.toSorted((a, b) => b.count - a.count)[0]?.change ?? null;
  }

  #open(family: UnusualFamily, routes: readonly string[]): readonly Part[] {
    return [...this.#parts.values()].filter(({ open, route }) => open === family && routes.includes(route));
  }
}

function addTo(
  part: Part,
  { answers, latencies, newcomers, slow = [] }: PatternAnswers,
  second: number,
): Pick<PartSecond, 'late' | 'unusual'> {
  for (const { client, ms } of slow) part.slow.push({ client, ms, second });
  while (part.slow.length > slowKeptMax) part.slow.shift();
  let answered = 0;
  for (let at = 1; at < answers.length; at += answerParts) answered += answers[at] as number;
  const { late } = part.latency.add({ answered, latencies, awaited: noneAwaited }, second);
  const [reading, changing] = part.answers;
  const [read, changed] = lanesOf(answers);
  const unusual =
    reading.add(read, second, newcomers?.[newcomerCells.refused[0]]).unusual +
    changing.add(changed, second, newcomers?.[newcomerCells.refused[1]]).unusual;
  let newest = part.seconds.at(-1);
  if (newest?.second !== second) {
    part.seconds.push((newest = { second, answered: 0, late: 0, unusual: 0 }));
    if (part.seconds.length > keptS) part.seconds.shift();
  }
  newest.answered += answered;
  newest.late += late;
  newest.unusual += unusual;
  return { late, unusual };
}

/** Those to requests with GET, and to those that may change something. Nearly all paths have only the former. */
function lanesOf(answers: readonly number[]): readonly [read: readonly number[], changed: readonly number[]] {
  let isRead = true;
  for (let at = 0; at < answers.length; at += answerParts) isRead &&= (answers[at] as number) < unsafeKey;
  if (isRead) return [answers, noAnswers];
  const lanes: readonly [number[], number[]] = [[], []];
  for (let at = 0; at < answers.length; at += answerParts) {
    const [key, count, bits] = [answers[at], answers[at + 1], answers[at + 2]] as [number, number, number];
    if (key < upgradeKey) lanes[key < unsafeKey ? 0 : 1].push(key % unsafeKey, count, bits);
  }
  return lanes;
}

function isOfClients({ slow, latency: { limitMs } }: Part, second: number): boolean {
  const late = slow.filter((one) => limitMs !== null && one.ms > limitMs && one.second > second - clientsS);
  const counts = new Map<number, number>();
  for (const { client } of late) counts.set(client, (counts.get(client) ?? 0) + 1);
  return counts.size >= clientsMin && Math.max(...counts.values()) <= clientShareMax * late.length;
}
