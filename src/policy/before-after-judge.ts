import { digits } from '#failures/quantity-text.ts';
import type { Judgement } from '../core/release.ts';
import type { Instant } from '../core/time.ts';
import { upperShare } from '../core/upper-share.ts';
import { ArmSum, type ArmTraffic, eventsOf, type SavedArm } from './arm-traffic.ts';
import {
  evidenceKinds,
  type EvidenceKind,
  EvidenceStreams,
  oddsRatios,
  type SavedStream,
  usualWeights,
} from './evidence-streams.ts';
import { comparedText, errorEventOf } from './release-words.ts';

/** Of all releases that are no worse, one in 20 is compared again for it. */
const evidenceLimit = 20;

/** So many times as many events as before are no reason for a suspicion. */
const tolerated = 1.5;
/** What is known of fewer requests is not known: a route is taken for one that had so many. */
const knownMin = 500;
const shareMin = 0.00001;
const shareMax = 0.9;

/** One failure is chance, however soon it comes. */
const eventsMin = 2;

/** What a request with an event adds, and one without; for each alternative. */
interface GainsOfRequest {
  readonly event: readonly number[];
  readonly other: readonly number[];
}

interface Before {
  /** Requests of the old release in the last minutes before it got no more of them, at most ten; by route. Late ones by the limits that hold from then on. */
  readonly routes: ReadonlyMap<string, ArmSum>;
  readonly names: Readonly<Record<'old' | 'fresh', string>>;
}

type SavedRoutes = readonly (readonly [route: string, arm: SavedArm])[];

/** What a successor of this process goes on with. */
export interface SavedBeforeAfter {
  readonly before: SavedRoutes;
  readonly after: SavedRoutes;
  readonly streams: readonly SavedStream[];
}

/** A release that gets all requests, compared with what the old one did before. */
type Suspicion = Pick<Judgement, 'reason' | 'evidence' | 'limit' | 'old' | 'fresh' | 'worst'> & {
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
  readonly #gains = new Map<string, GainsOfRequest>();

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
        const { event, other } = this.#gainsOf(where, kind);
        const gains = event.map((gain, at) => events * gain + (requests - events) * (other[at] as number));
        this.#streams.add(where, kind, second, 0, [gains]);
      }
    }
  }

  saved(): SavedBeforeAfter {
    const savedOf = (routes: Before['routes']): SavedRoutes => [...routes].map(([route, sum]) => [route, sum.saved()]);
    return { before: savedOf(this.#before.routes), after: savedOf(this.#routes), streams: this.#streams.saved() };
  }

  static restored(names: Before['names'], { before, after, streams }: SavedBeforeAfter): BeforeAfterJudge {
    const judge = new BeforeAfterJudge({
      names,
      routes: new Map(before.map(([route, arm]) => [route, ArmSum.of(arm)])),
    });
    for (const [route, arm] of after) {
      judge.#routes.set(route, ArmSum.of(arm));
      judge.#all.add(arm);
    }
    judge.#streams.restore(streams);
    return judge;
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
    const isSuspicious = evidence >= evidenceLimit && fresh.countOf(kind) >= eventsMin;
    const text = `${comparedText({ old, fresh, names, route, kind, event, cause })} before`;
    return {
      ...{ verdict: isSuspicious ? 'suspicious' : 'unsuspicious', reason: isSuspicious ? text : requests },
      ...{ ...found, worst: { route, event, cause } },
    };
  }

  #gainsOf(route: string | null, kind: EvidenceKind): GainsOfRequest {
    const key = `${kind} ${route ?? ''}`;
    let gains = this.#gains.get(key);
    if (gains === undefined) {
      // A route that was not asked for before is compared with all of them.
      const sum = (route === null ? undefined : this.#before.routes.get(route)) ?? this.#beforeAll;
      this.#gains.set(key, (gains = gainsOf(usualShare(sum.countOf(kind), sum.requests))));
    }
    return gains;
  }
}

/** The largest share of events that the time before speaks for. */
const usualShare = (events: number, requests: number): number =>
  Math.max(shareMin, upperShare(events, Math.max(knownMin, requests)));

function gainsOf(usual: number): GainsOfRequest {
  const share = Math.min(shareMax, tolerated * usual);
  const shares = oddsRatios.map((times) => Math.min(shareMax, times * share));
  return {
    event: shares.map((one) => Math.log(one / share)),
    other: shares.map((one) => Math.log((1 - one) / (1 - share))),
  };
}
