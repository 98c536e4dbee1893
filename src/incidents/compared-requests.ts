import { countedMethods } from '../core/attempt-counts.ts';
import { startOfSize } from '../core/content-kind.ts';
import type { ExchangeCount } from '../core/counters.ts';
import type { FailureFamily } from '../core/live-incident.ts';
import { connectionUses, type RequestTraits, traitsOf, versions } from '../core/request-traits.ts';
import { familyOf } from './failure-family.ts';

/** What is compared: requests of so many seconds, in slices. */
const sliceS = 5;
const keptSlices = 24;

/** Of a route in one slice, and of all of them, so many kinds of requests are told apart. A route has few, unless a client varies its requests. */
const kindsMax = 2000;
const allKindsMax = 8000;

/** What became of requests: served, answered with 4xx, left by their clients without a response, failed. */
const outcomes = { served: 0, declined: 1, left: 2, failed: 3 } as const;
const outcomeCount = 4;

/** Requests with one trait that explains the failures: nearly all of those have it, and of the others so many fail so much more seldom. */
const failuresMin = 5;
const explainedMin = 0.9;
const othersMin = 20;
const rarerTimes = 8;
/** And no chance, among so many traits: by the likelihood ratio against one share for all, e^9. */
const evidenceMin = 9;
/** A size has many bounds: it must say so much more than a method, to which sizes belong. */
const evidenceOfBound = 3;

/** What tells the requests that fail from those that are served. */
export interface RequestSplit {
  /** 'whose body has 1.3 MB or more': follows 'requests'. */
  readonly which: string;
  /** Requests with the trait, and how many of them failed; then the others. */
  readonly requests: number;
  readonly failed: number;
  readonly others: number;
  readonly othersFailed: number;
  readonly trait: keyof RequestTraits;
  /** Bytes that the smallest of those that fail has at least; 0: the trait is no size. */
  readonly bytes: number;
}

interface Group {
  readonly traits: RequestTraits;
  good: number;
  bad: number;
}

/** What requests of one upstream were like, and what became of them. */
export class ComparedRequests {
  /** By slice number, then by route and outcome. */
  readonly #slices = new Map<number, Map<string, Map<number, number>>>();
  /** Of the newest slice. */
  #kinds = 0;

  add({ route, shape, cause, statusClass, traits = [] }: ExchangeCount, second: number): void {
    if (traits.length === 0) return;
    const slice = Math.floor(second / sliceS);
    let routes = this.#slices.get(slice);
    if (routes === undefined) {
      this.#slices.set(slice, (routes = new Map()));
      this.#kinds = 0;
      for (const one of this.#slices.keys()) if (one <= slice - keptSlices) this.#slices.delete(one);
    }
    let kinds = routes.get(route);
    if (kinds === undefined) {
      if (routes.size >= kindsMax) return;
      routes.set(route, (kinds = new Map()));
    }
    const outcome = outcomeOf(shape === 'client_abort' && statusClass === 'none', statusClass, familyOf(cause, shape));
    for (let at = 0; at < traits.length; at += 2) {
      const key = (traits[at] as number) * outcomeCount + outcome;
      const known = kinds.get(key);
      if (known === undefined && (kinds.size >= kindsMax || this.#kinds >= allKindsMax)) continue;
      if (known === undefined) this.#kinds += 1;
      kinds.set(key, (known ?? 0) + (traits[at + 1] as number));
    }
  }

  /** The trait that explains which requests of these routes (none: of all) have failed so since that second; null: none does. */
  split(root: FailureFamily, names: readonly string[], since: number): RequestSplit | null {
    const groups = this.#groups(
      root,
      names.filter((name) => name !== ''),
      since,
    );
    let best: { readonly split: RequestSplit; readonly evidence: number } | null = null;
    for (const split of splitsOf(groups)) {
      const evidence = evidenceOf(split) - (split.bytes > 0 ? evidenceOfBound : 0);
      if (evidence >= evidenceMin && evidence > (best?.evidence ?? 0)) best = { split, evidence };
    }
    return best?.split ?? null;
  }

  /** Of the answered requests on connections that had served others, the share that took a second or more; null: there were too few. */
  slowShareOfUsed(since: number): number | null {
    const used = this.#groups('gone', [], since).filter(({ traits }) => connectionUses[traits.connection] === 'used');
    const sum = (groups: readonly Group[]): number => groups.reduce((all, { good }) => all + good, 0);
    return sum(used) < othersMin ? null : sum(used.filter(({ traits }) => traits.slow === 1)) / sum(used);
  }

  #groups(root: FailureFamily, names: readonly string[], since: number): readonly Group[] {
    const groups = new Map<number, Group>();
    for (const [slice, routes] of this.#slices) {
      if ((slice + 1) * sliceS <= since) continue;
      for (const [route, kinds] of routes) {
        if (names.length > 0 && !names.includes(route)) continue;
        for (const [kind, count] of kinds) {
          const key = Math.floor(kind / outcomeCount);
          let group = groups.get(key);
          if (group === undefined) groups.set(key, (group = { traits: traitsOf(key), good: 0, bad: 0 }));
          if (isBad(root, kind % outcomeCount, group.traits)) group.bad += count;
          else group.good += count;
        }
      }
    }
    return [...groups.values()];
  }
}

function outcomeOf(isLeft: boolean, statusClass: ExchangeCount['statusClass'], family: FailureFamily | null): number {
  if (family !== null) return outcomes.failed;
  if (isLeft) return outcomes.left;
  return statusClass === '4xx' ? outcomes.declined : outcomes.served;
}

function isBad(root: FailureFamily, outcome: number, { slow }: RequestTraits): boolean {
  if (root === 'changed') return outcome === outcomes.declined;
  if (outcome === outcomes.failed) return true;
  if (root === 'slower') return outcome === outcomes.left || slow === 1;
  return outcome === outcomes.left && root === 'slow';
}

function* splitsOf(groups: readonly Group[]): Generator<RequestSplit> {
  for (const trait of ['method', 'version', 'connection'] as const) {
    const values = new Set(groups.flatMap(({ traits, bad }) => (bad > 0 ? [traits[trait]] : [])));
    // That a request got no connection follows from what has refused it.
    if (trait === 'connection') values.delete(connectionUses.indexOf('none'));
    for (const value of values)
      yield* splitBy(groups, trait, 0, wordsOf[trait](value), (traits) => traits[trait] === value);
  }
  for (const trait of ['body', 'head'] as const) {
    const cells = new Set(groups.flatMap(({ traits, bad }) => (bad > 0 && traits[trait] > 0 ? [traits[trait]] : [])));
    for (const cell of cells) {
      const bytes = startOfSize(cell);
      const which = `whose ${trait === 'body' ? 'body has' : 'headers have'} ${bytesText(bytes)} or more`;
      yield* splitBy(groups, trait, bytes, which, (traits) => traits[trait] >= cell);
    }
  }
}

const wordsOf = {
  method: (value: number): string => `with ${countedMethods[value] ?? 'other'}`,
  version: (value: number): string => `over ${versions[value] ?? ''}`,
  connection: (value: number): string =>
    `on ${connectionUses[value] === 'new' ? 'new connections to the application' : 'connections that had served others'}`,
} as const;

function* splitBy(
  groups: readonly Group[],
  trait: keyof RequestTraits,
  bytes: number,
  which: string,
  has: (traits: RequestTraits) => boolean,
): Generator<RequestSplit> {
  const sum = { requests: 0, failed: 0, others: 0, othersFailed: 0 };
  for (const { traits, good, bad } of groups)
    if (has(traits)) {
      sum.requests += good + bad;
      sum.failed += bad;
    } else {
      sum.others += good + bad;
      sum.othersFailed += bad;
    }
  const { requests, failed, others, othersFailed } = sum;
  if (failed < Math.max(failuresMin, explainedMin * (failed + othersFailed)) || others - othersFailed < othersMin)
    return;
  if (rarerTimes * othersFailed * requests > failed * others) return;
  yield { which, trait, bytes, ...sum };
}

/** The logarithm of the likelihood of two shares against that of one. */
function evidenceOf({ requests, failed, others, othersFailed }: RequestSplit): number {
  const all = likelihood(failed + othersFailed, requests + others);
  return likelihood(failed, requests) + likelihood(othersFailed, others) - all;
}

function likelihood(failed: number, requests: number): number {
  const of = (count: number): number => (count === 0 ? 0 : count * Math.log(count / requests));
  return of(failed) + of(requests - failed);
}

function bytesText(bytes: number): string {
  if (bytes >= 1024 ** 2) return `${Math.round((bytes * 10) / 1024 ** 2) / 10} MiB`;
  return bytes >= 1024 ? `${Math.round((bytes * 10) / 1024) / 10} KiB` : `${bytes} bytes`;
}

/** 'all 14 failed requests were with POST; of 120 others none failed'. */
export function splitEvidence({ which, requests, failed, others, othersFailed }: RequestSplit): string {
  const failures = failed + othersFailed;
  const share = othersFailed === 0 ? `all ${failures}` : `${failed} of ${failures}`;
  const ofOthers = othersFailed === 0 ? 'none' : String(othersFailed);
  return `${share} requests that failed were requests ${which} (${failed} of ${requests} of these failed); of the ${others} others on the same routes ${ofOthers} failed`;
}
