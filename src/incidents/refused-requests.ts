import { clientHash, userPrefix } from '../core/route-traffic.ts';
import type { ExchangeCount } from '../core/counters.ts';
import type { FailureFamily } from '../core/live-incident.ts';
import { upperShare } from '../core/upper-share.ts';
import { chanceExponent } from './chance.ts';
import { SlidingSeconds } from './family-window.ts';
import { areFewerThanChance } from './replaced-answers.ts';
import type { CountedFailure, RefusedSecond } from './upstream-failures.ts';

/** What a new configuration refuses shows within this time, by so many requests of so many clients. */
const watchedS = 90;
const refusedMin = 8;
const clientsMin = 3;
const shareMin = 0.01;
/** Compared with the minutes before, of which so much is known. */
const beforeS = 200;
const knownS = 30;
const knownMin = 100;
const timesMin = 4;
const usualMin = 0.001;
const chanceMax = 14;
/** A route that the configuration answers itself now has served so many requests before. */
const servedMin = 20;
/** Served requests are missing where chance does that seldom (an exponent, beside that of the number of routes), and as many as this share of the refused ones. */
const missingChanceMax = 6;
const missingShareMin = 0.5;

/**
 * Without a new configuration usual clients must be refused in place of being served: in so many seconds so many served requests are missing for each refused one that
 * chance does not explain it (e^-n, beside the number of routes). Clients that were served so long before are usual; where they are known as users once they are let in,
 * that is not known, and half of the served requests must be missing.
 */
const instead = {
  widthsS: [10, 20, 40],
  secondsMin: 4,
  shareMin: 0.15,
  leftMax: 0.87,
  missing: { min: 0.5, max: 2 },
  chanceMax: 12,
  ofUsers: { moreChance: 6, leftMax: 0.5 },
  usualShareMin: 0.5,
  usualAfterS: 20,
} as const;

/**
 * A newcomer takes the place of those who were served: a front that all come by now has one address, a partner has another one. It is refused in nearly every second of a width, and half
 * of the served requests of its route are missing. A client that was served before and is refused itself tells nothing: its key was revoked, or it has lost it.
 */
const newcomer = { secondsMin: 8, leftMax: 0.5 } as const;
const clientsKept = 32;
const servedClientsMax = 4096;

const kindsMax = 1000;

/** Requests that the gateway itself answers with 4xx, for one reason, or the application where the gateway did before. */
interface RefusedKind {
  readonly upstream: string;
  readonly route: string;
  readonly kind: CountedFailure;
  readonly family: FailureFamily;
  readonly refused: SlidingSeconds;
  /** The last ones, as hashes: when each was refused last, and whether it was served before. */
  readonly clients: Map<number, { readonly second: number; readonly isUsual: boolean }>;
  /** The newest of them. */
  newest: string;
  /** An incident is about it. */
  isOpen: boolean;
}

/**
 * What the gateway refuses more often since a new configuration is active. Clients send wrong requests all the time: only the change tells something, or that served ones are
 * missing in their place.
 */
export class RefusedRequests {
  readonly #kinds = new Map<string, RefusedKind>();
  readonly #served = new Map<string, SlidingSeconds>();
  /** By route, when it let somebody in for the first time. */
  readonly #servedSince = new Map<string, number>();
  /** The same of users who have authenticated. */
  readonly #usersSince = new Map<string, number>();
  /** Routes with pages that the gateway sends itself. */
  readonly #ownRoutes = new Set<string>();
  readonly #servedAll = new SlidingSeconds();
  /** Some of the clients that were served, as hashes, and since when they are known. */
  readonly #servedClients = new Map<number, number>();
  readonly #all = new SlidingSeconds();
  #firstSecond = Infinity;
  #appliedAt = -Infinity;
  #appliedMs = -Infinity;

  onApplied(ms: number): void {
    this.#appliedMs = ms;
    this.#appliedAt = Math.floor(ms / 1000);
    for (const { clients } of this.#kinds.values()) clients.clear();
  }

  /** Of tunnels this is known long before they end. */
  noteServed(route: string, second: number): void {
    noteFirst(this.#servedSince, route, second);
  }

  /** Returns the kind of what an open incident is about; null: it is about nothing of this. */
  add(counted: ExchangeCount, second: number): RefusedKind | null {
    const { count, end, statusClass, cause, upstream, route } = counted;
    this.#firstSecond = Math.min(this.#firstSecond, second);
    this.#all.add(second, count);
    if ((end === 'forwarded' || end === 'generated') && isGood(statusClass)) {
      this.noteServed(route, second);
      if (end === 'generated' && this.#ownRoutes.size < kindsMax) this.#ownRoutes.add(route);
      if (counted.client?.startsWith(userPrefix) === true) noteFirst(this.#usersSince, route, second);
      valueOf(this.#served, route)?.add(second, count);
      this.#servedAll.add(second, count);
      if (counted.client !== undefined && counted.client !== '') this.#noteServedClient(counted.client, second);
    }
    // Where the gateway has no page any more, the application is asked, which never had it.
    const isRefused = end === 'generated' || (end === 'forwarded' && this.#ownRoutes.has(route));
    // Clients that send no head open connections to have them.
    if (!isRefused || statusClass !== '4xx' || cause === 'request_head_timeout') return null;
    const key = `${upstream}\n${route}\n${cause}`;
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      if (this.#kinds.size >= kindsMax) return null;
      const what =
        cause === 'none'
          ? ({ kind: 'changed_response', family: 'changed' } as const)
          : ({ kind: cause, family: 'gateway' } as const);
      this.#kinds.set(
        key,
        (kind = {
          upstream,
          route,
          ...what,
          refused: new SlidingSeconds(),
          clients: new Map(),
          newest: '',
          isOpen: false,
        }),
      );
    }
    kind.refused.add(second, count);
    for (const { client } of counted.clients ?? []) this.#noteRefused(kind, client, second);
    if (counted.client !== undefined && counted.client !== '') this.#noteRefused(kind, counted.client, second);
    return kind.isOpen ? kind : null;
  }

  #noteServedClient(client: string, second: number): void {
    const hash = clientHash(client);
    if (this.#servedClients.has(hash)) return;
    const [oldest] = this.#servedClients.keys();
    if (this.#servedClients.size >= servedClientsMax && oldest !== undefined) this.#servedClients.delete(oldest);
    this.#servedClients.set(hash, second);
  }

  #noteRefused(kind: RefusedKind, client: string, second: number): void {
    const { clients } = kind;
    const hash = clientHash(client);
    kind.newest = client;
    if (!clients.delete(hash) && clients.size >= clientsKept) clients.delete(clients.keys().next().value as number);
    clients.set(hash, { second, isUsual: (this.#servedClients.get(hash) ?? Infinity) <= second - instead.usualAfterS });
  }

  /** Those that begin to be an incident, with how many came in each second since the configuration was applied. */
  *judge(second: number): Generator<{ readonly kind: RefusedKind; readonly refused: readonly RefusedSecond[] }> {
    const sinceApplied = second - this.#appliedAt + 1;
    const isNew = sinceApplied <= watchedS && this.#appliedAt - this.#firstSecond >= knownS;
    for (const kind of this.#kinds.values()) {
      if (kind.isOpen) continue;
      const isByChange = isNew && kind.clients.size >= clientsMin && this.#isMore(kind, second, sinceApplied);
      const since = isByChange ? sinceApplied : this.#insteadFor(kind, second);
      if (since === null) continue;
      kind.isOpen = true;
      const isOfOne = [...kind.clients.values()].filter((one) => one.second > second - since).length === 1;
      const refused = Array.from({ length: since }, (_, at) => {
        const one = second - since + 1 + at;
        const firstMs = Math.max(one * 1000, this.#appliedMs);
        return { second: one, firstMs, count: kind.refused.at(one), client: isOfOne ? kind.newest : null };
      });
      yield { kind, refused: refused.filter(({ count }) => count > 0) };
    }
  }

  /** For how many seconds usual clients have been refused in place of being served; null: they have not. */
  #insteadFor(kind: RefusedKind, second: number): number | null {
    const { refused, route, clients } = kind;
    if (refused.at(second) === 0) return null;
    for (const widthS of instead.widthsS) {
      const now = refused.sum(second, widthS);
      const knownFor = Math.min(beforeS, second - widthS - this.#firstSecond);
      if (now < refusedMin || knownFor < knownS) continue;
      const before = sumUntil(refused, second, widthS);
      const recent = [...clients.values()].filter((one) => one.second > second - widthS);
      const usual = recent.filter(({ isUsual }) => isUsual).length;
      if (recent.length === 0) continue;
      const isByNewcomer = recent.length < clientsMin;
      const { secondsMin } = isByNewcomer ? newcomer : instead;
      if (now * knownFor < timesMin * before * widthS || this.#secondsOf(refused, second, widthS) < secondsMin)
        continue;
      const isOfUsers = this.#usersSince.has(route);
      if (isByNewcomer ? usual > 0 || route === '' : !isOfUsers && usual < instead.usualShareMin * recent.length)
        continue;
      const leftMax = isByNewcomer ? newcomer.leftMax : isOfUsers ? instead.ofUsers.leftMax : instead.leftMax;
      const chanceMax =
        instead.chanceMax + Math.log(1 + this.#served.size) + (isOfUsers ? instead.ofUsers.moreChance : 0);
      const own = this.#served.get(route);
      const all = route === '' ? [this.#servedAll, ...this.#served.values()] : own === undefined ? [] : [own];
      for (const served of all) {
        const left = served.sum(second, widthS);
        const expected = (sumUntil(served, second, widthS) * widthS) / knownFor;
        const missing = expected - left;
        const { min, max } = instead.missing;
        if (now < instead.shareMin * (now + left) || missing < min * now || missing > max * now) continue;
        const found = { usual: left, expected, widths: knownFor / widthS };
        if (areFewerThanChance(found, chanceMax, leftMax)) return widthS;
      }
    }
    return null;
  }

  #secondsOf(refused: SlidingSeconds, second: number, widthS: number): number {
    let seconds = 0;
    for (let back = 0; back < widthS; back++) if (refused.at(second - back) > 0) seconds += 1;
    return seconds;
  }

  #isMore({ refused, route, family, kind }: RefusedKind, second: number, since: number): boolean {
    const [now, all] = [refused.sum(second, since), this.#all.sum(second, since)];
    if (now < refusedMin || now < shareMin * all) return false;
    const until = this.#appliedAt - 1;
    const [before, allBefore] = [sumUntil(refused, second, since), sumUntil(this.#all, second, since)];
    if (until < this.#firstSecond || allBefore < knownMin || now * allBefore < timesMin * before * all) return false;
    const served = this.#served.get(route);
    if (family === 'changed' && (served === undefined || sumUntil(served, second, since) < servedMin)) return false;
    const usual = Math.max(usualMin, before === 0 ? 0 : upperShare(before, allBefore));
    if (chanceExponent(now, all, usual) < chanceMax) return false;
    if (route === '') return true;
    const servedSince = this.#servedSince.get(route) ?? (this.#servedSince.size < kindsMax ? Infinity : 0);
    // Browsers ask without a password first, and are let in with one. Where users had one before, it may be that of some which is no longer known.
    const isAsking = kind === 'not_authenticated' && (this.#usersSince.get(route) ?? 0) >= this.#appliedAt;
    const letsIn = isAsking && served !== undefined && served.sum(second, since - 1) >= now;
    const isHarmless = servedSince >= this.#appliedAt || letsIn;
    return !isHarmless || this.#isMissing(now, second, since);
  }

  /** Whether a route serves fewer requests than before, or all together do: a new route has taken them, or clients that must log in have not. */
  #isMissing(refused: number, second: number, since: number): boolean {
    const knownFor = Math.min(beforeS, this.#appliedAt - this.#firstSecond);
    const min = missingChanceMax + Math.log(1 + this.#served.size);
    for (const served of [this.#servedAll, ...this.#served.values()]) {
      const expected = (sumUntil(served, second, since) * since) / knownFor;
      const now = served.sum(second, since);
      if (expected - now < missingShareMin * refused) continue;
      // What is expected is known no better than the time before is long.
      const sureness = knownFor / (knownFor + since);
      if (sureness * (expected - now + (now === 0 ? 0 : now * Math.log(now / expected))) >= min) return true;
    }
    return false;
  }

  /** An incident is about requests that have reached no route: all requests are compared with them. */
  get isOpenWithoutRoute(): boolean {
    for (const { isOpen, route } of this.#kinds.values()) if (isOpen && route === '') return true;
    return false;
  }

  /** Incidents are over. */
  close(isOver: (kind: RefusedKind) => boolean): void {
    for (const kind of this.#kinds.values()) if (kind.isOpen && isOver(kind)) kind.isOpen = false;
  }
}

const isGood = (statusClass: ExchangeCount['statusClass']): boolean =>
  statusClass === '1xx' || statusClass === '2xx' || statusClass === '3xx';

function noteFirst(map: Map<string, number>, key: string, second: number): void {
  if (!map.has(key) && map.size < kindsMax) map.set(key, second);
}

/** Of the minutes that end `since` seconds before the end of this second. */
const sumUntil = (counts: SlidingSeconds, second: number, since: number): number =>
  counts.sum(second, since + beforeS) - counts.sum(second, since);

function valueOf(map: Map<string, SlidingSeconds>, key: string): SlidingSeconds | undefined {
  const known = map.get(key);
  if (known !== undefined || map.size >= kindsMax) return known;
  const added = new SlidingSeconds();
  map.set(key, added);
  return added;
}
