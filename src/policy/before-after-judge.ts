import type { Judgement } from '../core/release.ts';
import type { Instant } from '../core/time.ts';
import { upperShare } from '../core/upper-share.ts';
import { ArmSum, type ArmTraffic, eventsOf } from './arm-traffic.ts';
import { evidenceKinds, type EvidenceKind, EvidenceStreams, oddsRatios, usualWeights } from './evidence-streams.ts';
import { comparedText, digits, errorEventOf } from './release-words.ts';

/** Of all releases that are no worse, one in 20 is compared again for it. */
const evidenceLimit = 20;

/** So many times as many events as before are no reason for a suspicion. */
const tolerated = 1.5;
/** What is known of fewer requests is not known: a route is taken for one that had so many. */
const knownMin = 500;
const shareMin = 0.0001;
const shareMax = 0.9;

interface Before {
  /** Requests of the old release in the last minutes before it got no more of them, at most ten; by route. */
  readonly routes: ReadonlyMap<string, ArmSum>;
  readonly names: Readonly<Record<'old' | 'fresh', string>>;
}

/** A release that gets all requests, compared with what the old one did before. */
export type Suspicion = Pick<Judgement, 'reason' | 'evidence' | 'limit' | 'old' | 'fresh' | 'worst'> & {
  readonly verdict: 'suspicious' | 'unsuspicious';
};

/**
 * Whether a release fails more often than the one before it did. Time has passed between both: the reason may lie elsewhere, so that a suspicion is no
 * verdict; requests are drawn between both releases then.
 */
export class BeforeAfterJudge {
  readonly #before: Before;
  readonly #beforeAll = new ArmSum();
  readonly #all = new ArmSum();
  readonly #routes = new Map<string, ArmSum>();
  readonly #streams: EvidenceStreams;
  readonly #usual = new Map<string, number>();

  constructor(before: Before) {
    this.#before = before;
    for (const sum of before.routes.values()) this.#beforeAll.add(sum.saved());
    this.#streams = new EvidenceStreams(usualWeights, [...before.routes.keys()], 1);
  }

  /** Of the new release alone. */
  add(traffic: Omit<ArmTraffic, 'arm'>, now: Instant): void {
    const { route, requests } = traffic;
    let sum = this.#routes.get(route);
    if (sum === undefined) this.#routes.set(route, (sum = new ArmSum()));
    sum.add(traffic);
    this.#all.add(traffic);
    const second = Math.floor(now / 1000);
    for (const kind of evidenceKinds) {
      const events = eventsOf(traffic, kind);
      for (const where of [null, route]) {
        const usual = Math.min(shareMax, tolerated * this.#usualShare(where, kind));
        const gains = oddsRatios.map((times) => {
          const share = Math.min(shareMax, times * usual);
          return events * Math.log(share / usual) + (requests - events) * Math.log((1 - share) / (1 - usual));
        });
        this.#streams.add(where, kind, second, 0, [gains]);
      }
    }
  }
  judge(): Suspicion {
    const { names, routes } = this.#before;
    const evidence = this.#streams.evidence(0);
    const strongest = this.#streams.strongest();
    const found = { evidence, limit: evidenceLimit, old: this.#beforeAll.counts, fresh: this.#all.counts };
    const requests = `${digits(this.#all.requests)} requests of ${names.fresh} seen`;
    if (strongest === null) return { verdict: 'unsuspicious', reason: requests, ...found, worst: null };
    const { route, kind } = strongest;
    const old = route === null ? this.#beforeAll : (routes.get(route) ?? new ArmSum());
    const fresh = route === null ? this.#all : (this.#routes.get(route) ?? new ArmSum());
    const event = kind === 'error' ? errorEventOf(fresh) : kind;
    const cause = event === 'failure' ? fresh.cause : null;
    const isSuspicious = evidence >= evidenceLimit;
    const text = `${comparedText({ old, fresh, names, route, kind, event, cause })} before`;
    return {
      ...{ verdict: isSuspicious ? 'suspicious' : 'unsuspicious', reason: isSuspicious ? text : requests },
      ...{ ...found, worst: { route, event, cause } },
    };
  }

  /** The largest share of events that the time before speaks for; of a route that was not asked for, that of all. */
  #usualShare(route: string | null, kind: EvidenceKind): number {
    const key = `${kind} ${route ?? ''}`;
    let share = this.#usual.get(key);
    if (share === undefined) {
      const sum = (route === null ? undefined : this.#before.routes.get(route)) ?? this.#beforeAll;
      share = Math.max(shareMin, upperShare(sum.of(kind), Math.max(knownMin, sum.requests)));
      this.#usual.set(key, share);
    }
    return share;
  }
}
