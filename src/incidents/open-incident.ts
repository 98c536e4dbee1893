import type { Cause } from '#failures/failure.ts';
import { isConsequenceOf, isWithoutFailure } from './failure-family.ts';
import type { AnswerChange, FailureFamily, IncidentSuspect, Lateness, RarerFailures } from '../core/live-incident.ts';
import { ApplicationWords } from './application-words.ts';
import { knownSecondsMax } from './evidence-lines.ts';
import { ReportedCause } from './reported-cause.ts';
import { SeenEndpoints } from './endpoint-count.ts';
import { FailureKinds } from './failure-kinds.ts';
import { IncidentRequests } from './incident-requests.ts';
import { FailedRequests } from './failed-requests.ts';
import { type IncidentRetries, isGrownByRetries, type RetriedRoute, retriedShare } from './retried-routes.ts';
import { FirstExits } from './stopped-processes.ts';
import { TopCounts } from './top-counts.ts';
import { IncidentAdditions, settleS } from './incident-additions.ts';
import type { FailedInSecond } from './suspect-facts.ts';
import {
  checkCauseOf,
  type DirectLook,
  isTakenOut,
  type NewestFailure,
  type WatchedUpstream,
} from './watched-upstream.ts';
import type { AttemptDelta, FailureDelta, UpstreamFailures } from './upstream-failures.ts';

/** Routes that are counted by their names. */
const namesMax = 200;

/** Failures of another family belong to an incident that has begun so short a time before. */
const togetherS = 10;

/** The cause of an incident that began with a consequence shows within this time: a check fails before requests do. */
const causeWithinS = 60;

/** Connections that a restart has cut are past after so long, and what the new process does shows within this time. */
const passedS = 3;
const turnsWithinS = 30;

/** How many failures are missed, so that an incident is over. */
const failuresExpected = 5;
/** What was rarer for a while counts, but not more than this: its last failures are always rare. */
const rarestTimes = 10;

/** An incident that goes on. */
export class OpenIncident {
  /** 0 until it is reported. */
  id = 0;
  readonly families: Set<FailureFamily>;
  /** The second in which the first of its failures was reported. */
  startSecond: number;
  #firstMs: number | null = null;
  /** When the earliest of its requests began: milliseconds since the Unix epoch. Infinity: not known. */
  firstRequestWall = Infinity;
  openedAt: number;
  rateBefore: number | null;
  readonly seenEndpoints = new SeenEndpoints();
  /** Whose requests have failed. */
  readonly clients = new TopCounts();
  /** Which requests have failed. */
  readonly alike = new FailedRequests();
  readonly additions = new IncidentAdditions();
  readonly firstExits = new FirstExits();
  readonly words = new ApplicationWords();
  /** The incident of the service that its routes ask who may enter, which tells of it; null: it is one by itself. */
  partOf: OpenIncident | null = null;
  /** Those that are part of it. */
  readonly asking = new Set<OpenIncident>();
  /** Null: all failures of its families count; else only those of these routes and endpoints, where there are any. */
  only: { readonly routes: ReadonlySet<string>; readonly endpoints: ReadonlySet<string> } | null = null;
  /** The usual rate before it; null: requests came too seldom, or for too short a time. */
  steadyRateBefore: number | null = null;
  /** When requests began to fail so, if earlier incidents have not been shown to be over; null: with this incident. */
  failedSinceMs: number | null = null;
  /** The commonest cause with which its endpoints' checks fail; null: none. A few streams that were cut do not name an outage. */
  checkCause: Cause | null = null;
  /** Null: the gateway has not looked there yet, or could not. */
  directLook: DirectLook | null = null;
  /** Null: not known. */
  newestFailure: NewestFailure | null = null;
  lastSecond: number;
  /** Where responses are late: how late. */
  lateness: Lateness | null = null;
  answers: AnswerChange | null = null;
  suspects: readonly IncidentSuspect[] = [];
  reportedCause = new ReportedCause();
  /** Of the requests of its routes: when it was reported, or later where that is certainly more. 0: it was not, or retries hide all failures. */
  worstShare = 0;
  /** Null: its requests fail about as often as at worst, or no longer. */
  rarer: RarerFailures | null = null;
  /** The client whose requests wait: samples of those that are answered forget it. */
  waiting: { readonly hash: number; readonly name: string } | null = null;
  /** The smallest share that was seen while it was rarer; 1: it was not. */
  rarestShare = 1;
  /** What clients had retried before its first failure, and in the last seconds; null: nothing. */
  retriedBefore: RetriedRoute | null = null;
  retriedNow: RetriedRoute | null = null;
  /** Where retries were the largest share of the load while it went on; null: they have made no load. */
  #mostRetried: RetriedRoute | null = null;
  /** Retries of clients among its requests. */
  clientRetries = 0;
  readonly requests = new IncidentRequests();
  staleReusesFailed = 0;
  /** An operator had taken all endpoints out of use. */
  isTakenOut = false;
  /** The application that Candor runs at its upstream; null: none, or there are several upstreams. */
  application: string | null = null;
  /** Failures that an earlier process has counted. */
  sizeBefore = 0;
  /** Failures when it was last reported. */
  reported = 0;
  #root: FailureFamily;
  /** The way in which checks failed first, where they keep requests from being sent; null: not known, or they do not. */
  #checksMet: FailureFamily | null = null;
  #failed = 0;
  /** Late or changed responses; they count where nothing else is wrong. */
  #unusual = 0;
  #attemptsFailed = 0;
  readonly kinds = new FailureKinds();
  /** Requests and attempts, by second. */
  readonly #seconds = new Map<number, FailedInSecond>();
  readonly #routes = new Map<string, number>();
  /** Those that it is about: one, or several that share what has failed. */
  readonly #upstreams = new Map<string, { failed: number; attemptsFailed: number }>();

  constructor(upstream: string, root: FailureFamily, startSecond: number, openedAt: number, rateBefore: number | null) {
    this.#addUpstream(upstream, { failed: 0, attemptsFailed: 0 });
    this.#root = root;
    this.families = new Set([root]);
    this.startSecond = startSecond;
    this.lastSecond = startSecond;
    this.openedAt = openedAt;
    this.rateBefore = rateBefore;
  }

  /** When the first of its failures came, on the time axis of the seconds. */
  get startMs(): number {
    return this.#firstMs ?? this.startSecond * 1000;
  }

  get upstreams(): readonly string[] {
    return [...this.#upstreams.keys()];
  }

  /** '' for several. */
  get upstream(): string {
    const [only = '', ...others] = this.#upstreams.keys();
    return others.length === 0 ? only : '';
  }

  isAt(upstream: string): boolean {
    return this.#upstreams.has(upstream);
  }

  get root(): FailureFamily {
    return this.#root;
  }

  get counts(): { readonly failed: number; readonly attemptsFailed: number } {
    return { failed: this.#failed, attemptsFailed: this.#attemptsFailed };
  }

  /** Those that it is about, with their failures. */
  get upstreamCounts(): ReadonlyMap<string, { readonly failed: number; readonly attemptsFailed: number }> {
    return this.#upstreams;
  }

  /** Late or changed responses where it is about them, else failed requests. */
  get requestsFailed(): number {
    return isWithoutFailure(this.#root) ? this.#unusual : this.#failed;
  }

  /** Of the failures that are counted, in requests and attempts. */
  get size(): number {
    return Math.max(this.requestsFailed, this.#attemptsFailed);
  }

  /** Whether failures of this family, which now are many, belong to it. */
  takes(family: FailureFamily, startSecond: number): boolean {
    if (this.families.has(family)) return true;
    if (this.isEffect(family)) return true;
    if (isOfSilence(family) && isOfSilence(this.#root)) return true;
    if (this.#isLaterCause(family)) return true;
    // What fails much later than a consequence is not its cause.
    if (isConsequenceOf(this.#root, family)) return startSecond - this.startSecond <= causeWithinS;
    if (family === 'application' || this.#root === 'application') return false;
    return Math.abs(startSecond - this.startSecond) <= togetherS;
  }

  /**
   * Connections were cut, and since then nothing fails, but a route answers otherwise, as after a release: that is what visitors meet, so that the
   * incident is about it from now on. Returns whether it is.
   */
  turnsTo(family: FailureFamily, begin: number, second: number): boolean {
    const isPassing = this.#root === 'gone' && second - this.lastSecond >= passedS;
    if (!isPassing || this.families.has(family) || Math.abs(begin - this.startSecond) > turnsWithinS) return false;
    this.families.add(family);
    this.#root = family;
    return true;
  }

  /**
   * Whether failures of this family follow from those that it is about. An application that accepts connections and does not answer takes none out of its
   * queue of connections: once that is full, connections do not come about.
   */
  isEffect(family: FailureFamily): boolean {
    const isFullQueue = family === 'network' && this.#root === 'slow' && isSilent(this.directLook);
    return isFullQueue || isConsequenceOf(family, this.#root);
  }

  /** Counts its failures too. An incident that began with a consequence has its cause in them, unless checks have met another one before. */
  take(family: FailureFamily, startSecond: number): void {
    this.families.add(family);
    if (this.#isLaterCause(family)) this.additions.noteLaterCause(family, startSecond);
    else if (isConsequenceOf(this.#root, family)) this.#root = family;
  }

  /** What is known of its endpoints now. */
  noteEndpoints(watched: WatchedUpstream): void {
    this.checkCause = checkCauseOf(watched) ?? this.checkCause;
    this.isTakenOut ||= isTakenOut(watched);
    for (const { id, checkAnswer } of watched.endpoints)
      if (checkAnswer !== undefined) this.words.add({ source: 'check', where: id, route: null, ...checkAnswer });
  }

  /** How the checks fail that keep requests from being sent. Whether they fail in another way now, which is told as an addition. */
  seeChecks(met: FailureFamily | null, second: number): boolean {
    if (this.#root !== 'not_ready') return false;
    this.#checksMet ??= met;
    return met !== null && met !== this.#checksMet && second - this.startSecond >= settleS;
  }

  /** No request was sent for one reason, and now requests fail for another. */
  #isLaterCause(family: FailureFamily): boolean {
    return isConsequenceOf(this.#root, family) && this.#checksMet !== null && this.#checksMet !== family;
  }

  count(delta: FailureDelta, upstream: string): void {
    const { second, family, route, firstMs, startedWall, failed, attemptsFailed } = delta;
    if (second < this.startSecond || !this.families.has(family)) return;
    if (this.only !== null && this.only.routes.size > 0 && !this.only.routes.has(route)) return;
    if (isWithoutFailure(family) && this.#root !== family) return;
    if (second > this.lastSecond) this.requests.addLater();
    this.lastSecond = Math.max(this.lastSecond, second);
    this.#firstMs = Math.min(firstMs, this.#firstMs ?? firstMs);
    this.firstRequestWall = Math.min(startedWall, this.firstRequestWall);
    this.#addUpstream(upstream, { failed, attemptsFailed });
    this.#addSecond(second, failed, attemptsFailed);
    if (isWithoutFailure(family)) this.#unusual += failed;
    else this.#failed += failed;
    this.#attemptsFailed += attemptsFailed;
    this.kinds.count(delta);
    if (failed > 0) this.#addRoute(route, failed);
    if (delta.clients !== undefined) this.clients.addAll(delta.clients);
    if (delta.requests !== undefined) this.alike.addAll(delta.requests);
  }

  #addSecond(second: number, failed: number, attemptsFailed: number): void {
    const [known, knownAttempts] = this.#seconds.get(second) ?? [0, 0];
    if (this.#seconds.size < knownSecondsMax || this.#seconds.has(second))
      this.#seconds.set(second, [known + failed, knownAttempts + attemptsFailed]);
  }

  /** How much failed in each of its first seconds with failures, by seconds since its start. */
  get failedAt(): ReadonlyMap<number, FailedInSecond> {
    return new Map([...this.#seconds].map(([second, counts]) => [second - this.startSecond, counts]));
  }

  #addUpstream(upstream: string, { failed, attemptsFailed }: { failed: number; attemptsFailed: number }): void {
    const known = this.#upstreams.get(upstream) ?? { failed: 0, attemptsFailed: 0 };
    this.#upstreams.set(upstream, {
      failed: known.failed + failed,
      attemptsFailed: known.attemptsFailed + attemptsFailed,
    });
  }

  #addRoute(route: string, failed: number): void {
    if (this.#routes.has(route) || this.#routes.size < namesMax)
      this.#routes.set(route, (this.#routes.get(route) ?? 0) + failed);
  }

  countEndpoint(delta: AttemptDelta): void {
    const { second, endpoint, failed, isBeforeFailure } = delta;
    if (this.only !== null && this.only.endpoints.size > 0 && failed > 0 && !this.only.endpoints.has(endpoint)) return;
    if (second < this.startSecond || (second === this.startSecond && isBeforeFailure)) return;
    this.requests.countAttempts(delta, second > this.lastSecond);
  }

  /** Requests of an upstream in these seconds: in its first one those after its first failure. */
  countRequests(failures: UpstreamFailures, from: number, to: number): void {
    for (let second = from; second <= to; second++) {
      const isFirst = second === this.startSecond;
      const requests = isFirst ? failures.requestsSinceFailure(second) : failures.requests.at(second);
      if (second >= this.startSecond) this.requests.count(requests, second > this.lastSecond);
      this.clientRetries += failures.rates.clientRetriesAt(second);
    }
  }

  seeRetries(now: RetriedRoute | null): void {
    this.retriedNow = now !== null && isGrownByRetries(now) ? now : null;
    if (this.retriedNow === null) return;
    if (this.#mostRetried === null || retriedShare(this.retriedNow) > retriedShare(this.#mostRetried))
      this.#mostRetried = this.retriedNow;
  }

  /** Null: clients have retried nothing. */
  get retries(): IncidentRetries | null {
    if (this.clientRetries === 0) return null;
    return {
      ...{ worst: this.retriedNow ?? this.#mostRetried, isNow: this.retriedNow !== null },
      beganIt: this.retriedBefore !== null && isGrownByRetries(this.retriedBefore),
      share: Math.min(1, this.clientRetries / Math.max(1, this.requests.all)),
    };
  }

  get routes(): ReadonlyMap<string, number> {
    return this.#routes;
  }

  get routeNames(): readonly string[] {
    return [...this.#routes.keys()];
  }

  /** Requests of the routes that fail, in these seconds. */
  countOfRoutes({ rates }: UpstreamFailures, from: number, to: number): void {
    const routes = this.routeNames;
    for (let second = Math.max(from, this.startSecond); second <= to; second++)
      this.requests.countOfRoutes(rates.requestsAt(routes, second), second > this.lastSecond);
  }

  /** Without a failure among so many requests, five would have been expected. */
  get requestsOfProof(): number {
    const share = Math.max(1, this.size) / Math.max(1, this.requests.ofRoutes);
    return failuresExpected / Math.max(share / rarestTimes, Math.min(share, this.rarestShare));
  }

  /** How much of its routes' requests it is, while it goes on. */
  get shareOfRoutes(): number {
    return this.size / Math.max(1, this.requests.ofRoutes);
  }

  /** So many requests came since its last failure that it has ended. */
  get hasProvedItsEnd(): boolean {
    if (this.#routes.size === 0) return this.requests.later >= 1;
    return this.requests.laterOfRoutes >= Math.max(1, this.requestsOfProof);
  }

  /** Counts what an upstream has met in these seconds. */
  addFrom({ upstream, failures, endpointDeltas }: UpstreamFailures, from: number, to: number): void {
    for (const delta of failures) if (delta.second >= from && delta.second <= to) this.count(delta, upstream);
    for (const delta of endpointDeltas) if (delta.second >= from && delta.second <= to) this.countEndpoint(delta);
  }

  /** Failures of the seconds before `from`, since it started. */
  addEarlier({ upstream, failures }: UpstreamFailures, families: readonly FailureFamily[], from: number): void {
    for (const delta of failures)
      if (delta.second < from && families.includes(delta.family)) this.count(delta, upstream);
  }

  /** Takes over what another incident has counted: both have the same reason, of which `family` are the failures. */
  absorb(other: OpenIncident, family: FailureFamily | null): void {
    for (const one of other.families) this.families.add(one);
    if (family !== null && this.families.has(family)) this.#root = family;
    this.kinds.absorb(other.kinds);
    for (const [route, failed] of other.#routes) this.#addRoute(route, failed);
    this.requests.absorb(other.requests);
    for (const [upstream, counts] of other.#upstreams) this.#addUpstream(upstream, counts);
    for (const [second, counts] of other.#seconds) this.#addSecond(second, ...counts);
    this.#unusual += other.#unusual;
    this.#failed += other.#failed;
    this.#attemptsFailed += other.#attemptsFailed;
    this.startSecond = Math.min(this.startSecond, other.startSecond);
    this.#firstMs = Math.min(this.startMs, other.startMs);
    this.firstRequestWall = Math.min(this.firstRequestWall, other.firstRequestWall);
    this.lastSecond = Math.max(this.lastSecond, other.lastSecond);
    this.rateBefore = sumOf(this.rateBefore, other.rateBefore);
    this.steadyRateBefore = sumOf(this.steadyRateBefore, other.steadyRateBefore);
    this.firstExits.absorb(other.firstExits);
    for (const one of other.words.all) this.words.add(one);
    this.clients.addAll(other.clients);
    this.alike.addAll(other.alike);
    this.clientRetries += other.clientRetries;
    this.directLook ??= other.directLook;
    this.newestFailure ??= other.newestFailure;
    this.failedSinceMs ??= other.failedSinceMs;
    for (const part of other.asking) {
      part.partOf = this;
      this.asking.add(part);
    }
  }

  /** Takes over the number of another incident, that was reported, and what was reported of it. */
  continueAs({ id, openedAt, sizeBefore, reported, reportedCause }: OpenIncident): void {
    this.id = id;
    this.reportedCause = reportedCause;
    this.openedAt = openedAt;
    this.sizeBefore = sizeBefore;
    this.reported = reported;
  }
}

/** An application that hangs accepts no connections after a while, and requests on the way to a lost host end by their own timeouts: one outage. */
const isOfSilence = (family: FailureFamily): boolean => family === 'slow' || family === 'network';

/** The endpoint has accepted the connection of the look, and has not answered; a check may only connect. */
const isSilent = (look: DirectLook | null): boolean =>
  look !== null && look.isAccepting && look.cause === null && look.tookMs === null;

/** Null: one of them is not known. */
const sumOf = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? null : one + other;
