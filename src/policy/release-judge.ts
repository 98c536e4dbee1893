import { digits } from '#failures/quantity-text.ts';
import type { Judgement, JudgedEvent, ReleaseArm } from '../core/release.ts';
import type { Instant } from '../core/time.ts';
import { upperShare } from '../core/upper-share.ts';
import { AnswerEvidence, type SavedAnswerEvidence } from './answer-evidence.ts';
import { ArmSum, type ArmTraffic, eventsOf, type SavedArm } from './arm-traffic.ts';
import {
  evidenceKinds,
  type EvidenceKind,
  EvidenceStreams,
  type EvidenceWeights,
  type Gains,
  oddsRatios,
  type SavedStream,
  usualWeights,
} from './evidence-streams.ts';
import { comparedText, errorEventOf } from './release-words.ts';

/**
 * A release is bad where the evidence exceeds the limit of each null: with a chance of at most 1 % where it fails as often as the old one, and of
 * at most 5 % where its odds are up to 1.2 times the old one's, which is a difference that harms few. (1 % at 1.2 would find a tenfold share in half of
 * the requests in 61 runs of 100, by 1,500 requests, instead of 73.)
 */
const nulls = [
  { odds: 1, limit: 100 },
  { odds: 1.2, limit: 20 },
] as const;
const [{ limit: evidenceLimit }] = nulls;

/** The part of the whole evidence that answers have which are no failures. */
const answersWeight = 0.01;

/** A release is good only while there is less evidence than this. */
const evidenceOfGoodMax = evidenceLimit / 10;

/** So many failures are to be expected of a tenfold share, and what of the old release's failures is assumed at least. */
const failuresExpected = 15;
const shareMin = 0.001;
/** Where the old release fails more often, and the new one is not much better, failures of both hide its own: no number of requests suffices. */
const shareMax = 0.25;

/** Clients that are remembered, of all kinds of events and routes; events of others do not count. */
const clientsMax = 65_536;

/** Of each release, clients of any requests: no verdict needs more (`requestsNeeded`). */
const clientsSeenMax = Math.floor(failuresExpected / (10 * shareMin)) + 1;

/**
 * Requests of both releases that it takes to call a release good: at the lower 95 % bound of the old one's share of failures, more than 15 of a release with ten times
 * that share would fail, of which half at most is assumed. 1,501 at 0.1 %.
 */
export function requestsNeeded({ errors, requests }: Pick<ArmSum, 'errors' | 'requests'>): number {
  const certain = errors === 0 ? 0 : 1 - upperShare(requests - errors, requests);
  return Math.floor(failuresExpected / Math.min(0.5, 10 * Math.max(shareMin, certain))) + 1;
}

interface JudgeSettings {
  /** How people call the releases: 'r12'. */
  readonly names: Readonly<Record<ReleaseArm, string>>;
  /** Those of the application, as far as they are known in advance. */
  readonly routes?: readonly string[];
  /** Clients stay with a release, which was drawn for them and not for their requests: a client counts once for each kind and route. */
  readonly isSticky?: boolean;
  readonly weights?: EvidenceWeights;
}

/** What a successor of this process goes on with. */
export interface SavedJudge {
  readonly counts: readonly { readonly route: string; readonly old: SavedArm; readonly fresh: SavedArm }[];
  readonly streams: readonly SavedStream[];
  readonly clients: readonly (readonly [stream: string, clients: readonly number[]])[];
  /** Absent: a predecessor compared none. */
  readonly answers?: SavedAnswerEvidence;
}

/** What speaks the loudest, and in words. */
interface WorstOfRelease {
  readonly finding: NonNullable<Judgement['worst']>;
  readonly text: string;
  /** Absent: the release is to be mended. */
  readonly step?: string;
}

type Arms = Readonly<Record<ReleaseArm, ArmSum>>;

/**
 * Compares a release with the one before it, by requests for which chance has chosen between them at the same time.
 *
 * Where the new release is no worse, an event falls on it with its share of the requests at that moment, whatever makes events more or fewer for both. What
 * speaks against that is multiplied (Lindon and Malek 2022; Howard et al. 2021), and may be looked at after each request.
 */
export class ReleaseJudge {
  readonly #settings: JudgeSettings;
  readonly #streams: EvidenceStreams;
  readonly #answers: AnswerEvidence;
  readonly #all: Arms = { old: new ArmSum(), fresh: new ArmSum() };
  readonly #routes = new Map<string, Arms>();
  readonly #clients = new Map<string, Set<number>>();
  #clientsCount = 0;
  /** By share of the new release, which has few values. */
  readonly #gains = new Map<number, Readonly<Record<ReleaseArm, Gains>>>();

  constructor(settings: JudgeSettings) {
    this.#settings = settings;
    this.#streams = new EvidenceStreams(settings.weights ?? usualWeights, settings.routes ?? [], nulls.length);
    this.#answers = new AnswerEvidence(nulls.length, settings.isSticky === true);
  }

  /** A pattern where the new release has answered worse while it had all requests. */
  suspect(pattern: string): void {
    this.#answers.suspect(pattern);
  }

  /** `share`: the chance with which these requests were drawn to the new release. With 0 or 1 nothing was drawn, and nothing is compared. */
  add(traffic: ArmTraffic, share: number, now: Instant): void {
    if (!(share > 0 && share < 1)) return;
    const { route, arm } = traffic;
    this.#all[arm].add(traffic);
    this.#armsOf(route)[arm].add(traffic);
    if (this.#settings.isSticky === true)
      this.#noteClients(`${arm} requests`, traffic.clients?.request ?? [], clientsSeenMax);
    const gains = this.#gainsOf(share)[arm];
    const second = Math.floor(now / 1000);
    const { compared = [], count = 0 } = traffic.patterns ?? {};
    for (const pattern of compared) this.#answers.add(arm, pattern, gains, second, count);
    for (const kind of evidenceKinds) {
      if (eventsOf(traffic, kind) === 0) continue;
      for (const where of [null, route]) {
        const events =
          this.#settings.isSticky === true ? this.#newClients(traffic, kind, where) : eventsOf(traffic, kind);
        const added = gains.map((of) => of.map((gain) => events * gain));
        if (events > 0) this.#streams.add(where, kind, second, events, added);
      }
    }
  }

  judge(): Judgement {
    const { old, fresh } = this.#all;
    const evidence = Math.min(...nulls.map(({ limit }, at) => (this.#evidence(at) * evidenceLimit) / limit));
    const found = { evidence, limit: evidenceLimit, old: old.counts, fresh: fresh.counts };
    const worst = this.#strongest();
    const isHidden =
      old.errors > shareMax * old.requests && 2 * fresh.errors * old.requests > old.errors * fresh.requests;
    const needed = isHidden ? 0 : requestsNeeded(old);
    return {
      ...found,
      ...this.#verdict(evidence, worst, needed),
      worst: worst?.finding ?? null,
      requestsNeeded: needed,
    };
  }

  #evidence(at: number): number {
    return (1 - answersWeight) * this.#streams.evidence(at) + answersWeight * this.#answers.evidence(at);
  }

  #strongest(): WorstOfRelease | null {
    const [failures, answers] = [this.#streams.strongest(), this.#answers.strongest(this.#settings.names)];
    if (answers !== null && answers.log > (failures?.log ?? 0))
      return { finding: { route: null, event: 'answer', cause: null }, text: answers.text, step: answers.step };
    return failures === null ? null : this.#worst(failures);
  }

  #verdict(evidence: number, worst: WorstOfRelease | null, needed: number): Pick<Judgement, 'verdict' | 'reason'> {
    const { old, fresh } = this.#all;
    const { names } = this.#settings;
    if (evidence >= evidenceLimit && worst !== null)
      return { verdict: 'bad', reason: worst.step === undefined ? worst.text : `${worst.text}; ${worst.step}` };
    const [lessSeen, seen] =
      this.#seen('old') < this.#seen('fresh')
        ? (['old', this.#seen('old')] as const)
        : (['fresh', this.#seen('fresh')] as const);
    if (needed > 0 && seen >= needed && evidence < evidenceOfGoodMax) {
      const counts = `${digits(fresh.requests)} requests of ${names.fresh} than in ${digits(old.requests)} of ${names.old}`;
      return { verdict: 'good', reason: `no more failures or late responses in ${counts}` };
    }
    if (needed === 0) {
      const failed = (['old', 'fresh'] as const).map((arm) => {
        const { errors, requests } = this.#all[arm];
        return `${digits(errors)} of ${digits(requests)} requests of ${names[arm]}`;
      });
      return { verdict: 'inconclusive', reason: `${names.old} fails too: ${failed.join(', ')}` };
    }
    const unit = this.#settings.isSticky === true ? 'clients' : 'requests';
    const seenText = `${digits(seen)} of ${digits(needed)} ${unit} of ${names[lessSeen]} seen`;
    const finding = worst !== null && evidence >= evidenceOfGoodMax ? `; ${worst.text}` : '';
    return { verdict: 'inconclusive', reason: `${seenText}${finding}` };
  }

  #worst({ route, kind }: { readonly route: string | null; readonly kind: EvidenceKind }): WorstOfRelease {
    const arms = route === null ? this.#all : this.#armsOf(route);
    const event = kind === 'error' ? errorEventOf(arms.fresh) : kind;
    const cause = event === 'failure' ? arms.fresh.cause : null;
    const text = comparedText({ ...{ route, kind, event, cause, names: this.#settings.names }, ...arms });
    return { finding: { route, event, cause }, text };
  }

  #armsOf(route: string): Arms {
    const known = this.#routes.get(route);
    if (known !== undefined) return known;
    const added = { old: new ArmSum(), fresh: new ArmSum() };
    this.#routes.set(route, added);
    return added;
  }

  /** Those that have not met the like before, at either release: a client that has moved since would count twice, and for one of them alone. */
  #newClients({ clients = {} }: ArmTraffic, kind: EvidenceKind, route: string | null): number {
    const events: readonly JudgedEvent[] = kind === 'error' ? ['failure', 'server_error'] : [kind];
    return this.#noteClients(
      `${kind} ${route ?? ''}`,
      events.flatMap((event) => clients[event] ?? []),
    );
  }

  /** How many of them are new. */
  #noteClients(key: string, clients: readonly number[], most = Infinity): number {
    let seen = this.#clients.get(key);
    if (seen === undefined) this.#clients.set(key, (seen = new Set()));
    const before = seen.size;
    for (const client of clients) {
      if (this.#clientsCount >= clientsMax || seen.size >= most) break;
      if (!seen.has(client)) this.#clientsCount++;
      seen.add(client);
    }
    return seen.size - before;
  }

  /** Requests of a release, or clients, where those are compared. */
  #seen(arm: ReleaseArm): number {
    const { isSticky = false } = this.#settings;
    return isSticky ? (this.#clients.get(`${arm} requests`)?.size ?? 0) : this.#all[arm].requests;
  }

  #gainsOf(share: number): Readonly<Record<ReleaseArm, Gains>> {
    let known = this.#gains.get(share);
    if (known === undefined) this.#gains.set(share, (known = gainsOf(share)));
    return known;
  }

  saved(): SavedJudge {
    return {
      counts: [...this.#routes].map(([route, { old, fresh }]) => ({ route, old: old.saved(), fresh: fresh.saved() })),
      streams: this.#streams.saved(),
      clients: [...this.#clients].map(([stream, clients]) => [stream, [...clients]]),
      answers: this.#answers.saved(),
    };
  }

  static restored(settings: JudgeSettings, { counts, streams, clients, answers = [] }: SavedJudge): ReleaseJudge {
    const judge = new ReleaseJudge(settings);
    for (const { route, ...arms } of counts)
      for (const arm of ['old', 'fresh'] as const) {
        judge.#all[arm].add(arms[arm]);
        judge.#armsOf(route)[arm].add(arms[arm]);
      }
    judge.#streams.restore(streams);
    judge.#answers.restore(answers);
    for (const [stream, seen] of clients) {
      judge.#clients.set(stream, new Set(seen));
      judge.#clientsCount += seen.length;
    }
    return judge;
  }
}

/** Of an event of each release. */
function gainsOf(share: number): Readonly<Record<ReleaseArm, Gains>> {
  const chance = (odds: number): number => (odds * share) / (odds * share + 1 - share);
  const of = (likelihood: (odds: number) => number): Gains =>
    nulls.map(({ odds }) => oddsRatios.map((ratio) => Math.log(likelihood(ratio) / likelihood(odds))));
  return { fresh: of(chance), old: of((odds) => 1 - chance(odds)) };
}
