import { addressText, type EndpointId, type EndpointState, type UpstreamId } from '../core/endpoint.ts';
import type { EventFacts, EventSink } from '../core/event.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import {
  afterProbation,
  byOwnBreaker,
  ejected,
  mayEject,
  startProbation,
  type TrustState,
  trusted,
} from '../policy/ejection.ts';
import { isReadyState } from '../policy/eligible-endpoints.ts';
import { FailureRateDetection } from '../policy/failure-rate-detection.ts';
import {
  countedOutcomes,
  type CreateOutlierDetection,
  type OutlierDetection,
  type OutlierEvidence,
} from '../policy/outlier-detection.ts';
import {
  breakerEjection,
  defaultFailureRate,
  type EjectionSettings,
  type OutlierSettings,
  outlierSettingsOf,
} from '../policy/outlier-settings.ts';
import { mostOf, type SiblingOutlier, SiblingOutliers } from '../policy/sibling-outliers.ts';
import { anyRouteAfterMs, asBefore, lateLimitOf, lateOutcome, onRoutes } from '../policy/sibling-probation.ts';
import type { RouteTraffic } from '../core/route-traffic.ts';
import { isGoodTraffic, isStillGoodTraffic, RecentTraffic } from '../policy/recent-traffic.ts';
import { type EndpointTraffic, endpointByTraffic, isPassing, stateOf, StayingOutlier } from './endpoint-traffic.ts';
import {
  checksReason,
  eventNames,
  evidenceOf,
  FailureCauses,
  howAgain,
  keptReason,
  noLongerKeptReason,
  ownBreakerReason,
  pauseReason,
  probationEndReason,
  probationStartReason,
  staysReason,
} from './outlier-reasons.ts';

interface OutlierDetectorParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** The endpoints of an upstream by their checks alone; null for an upstream that is not in force. */
  readonly checked: (upstream: UpstreamId) => EndpointsById | null;
  /** The same endpoints as operators and the endpoints themselves have left them: without those that are drained, or ejected by hand. Absent: as they are. */
  readonly overridden?: (endpoints: readonly EndpointSnapshot[]) => readonly EndpointSnapshot[];
  /** By which check: 'tcp', 'http', 'readiness', 'none'. */
  readonly checkOf: (upstream: UpstreamId) => string;
  /** Traffic has changed the state of one of its endpoints, or the reason for it. */
  readonly onChange: (upstream: UpstreamId) => void;
  /** Absent: by failures (`policy/failure-rate-detection.ts`). */
  readonly createDetection?: CreateOutlierDetection;
  /** The same object for as long as the settings stay; absent: the defaults. */
  readonly settingsOf?: (upstream: UpstreamId) => OutlierSettings;
}

type EndpointsById = ReadonlyMap<EndpointId, EndpointSnapshot>;

type DisagreementFigures = Omit<EventFacts['health_disagreement'], 'address' | 'check'>;

const defaultSettings = outlierSettingsOf();

/** Endpoints are compared so often. Measured: 200 of them on five routes, all slow, take 20 ms of the main thread. */
const compareEveryMs = 500;

/**
 * Main's judgement of endpoints by their traffic, laid over what their checks say. It ejects an endpoint whose checks
 * pass while its requests fail, reports the disagreement with its figures, and lets the endpoint try again after a pause.
 * Where too few others are left, the circuit breaker of the endpoint opens instead, if its upstream has one.
 */
export class OutlierDetector {
  readonly #parts: OutlierDetectorParts;
  readonly #createDetection: CreateOutlierDetection;
  /** Only endpoints that exist and that had traffic. */
  readonly #tracked = new Map<EndpointId, EndpointTraffic>();
  readonly #compared = new Map<UpstreamId, { readonly outliers: SiblingOutliers; nextAt: Instant }>();

  constructor(parts: OutlierDetectorParts) {
    this.#parts = parts;
    this.#createDetection = parts.createDetection ?? ((settings) => new FailureRateDetection(settings, 'attempts'));
  }

  /** Outcomes of attempts, from a worker's batch. */
  onOutcomes(outcomes: readonly EndpointOutcomes[], routes: readonly RouteTraffic[] = [], worker = 0): void {
    const changed = new Set<UpstreamId>();
    for (const outcome of outcomes) if (this.#note(outcome, routes)) changed.add(outcome.upstream as UpstreamId);
    for (const counted of routes) if (this.#noteRoute(counted, worker)) changed.add(counted.upstream as UpstreamId);
    for (const upstream of new Set(routes.map((one) => one.upstream as UpstreamId)))
      if (this.#compare(upstream)) changed.add(upstream);
    for (const upstream of changed) this.#parts.onChange(upstream);
  }

  /** Returns whether its endpoint is ejected again, since a request of its probation waits for too long. */
  #noteRoute(counted: RouteTraffic, worker: number): boolean {
    const upstream = counted.upstream as UpstreamId;
    const now = this.#parts.clock.now();
    let compared = this.#compared.get(upstream);
    if (compared === undefined)
      this.#compared.set(upstream, (compared = { outliers: new SiblingOutliers(), nextAt: now }));
    compared.outliers.add(counted, worker, now);
    return this.#isLateAgain(counted) && this.#note(lateOutcome(counted), [counted]);
  }

  /** A request of its probation has waited for so long already. */
  #isLateAgain({ endpoint, route, awaited }: RouteTraffic): boolean {
    if (awaited.length === 0) return false;
    const traffic = this.#tracked.get(endpoint as EndpointId);
    if (traffic?.trust.state !== 'probation' || traffic.outlier?.event !== 'late') return false;
    const limitMs = lateLimitOf(traffic.outlier, route);
    const since = this.#parts.clock.now() - traffic.trust.since;
    return awaited.some(({ ms }) => ms > limitMs && ms <= since);
  }

  /** Whether an endpoint that differs from the others was ejected. */
  #compare(upstream: UpstreamId): boolean {
    const endpoints = this.#parts.checked(upstream);
    const compared = this.#compared.get(upstream);
    if (endpoints === null) this.#compared.delete(upstream);
    if (endpoints === null || compared === undefined) return false;
    const { comparison } = this.#parts.settingsOf?.(upstream) ?? defaultSettings;
    if (comparison.events.length === 0 || endpoints.size < 2) return false;
    const now = this.#parts.clock.now();
    if (now < compared.nextAt) return false;
    compared.nextAt = after(now, compareEveryMs);
    const serving = this.#overridden([...endpoints.values()]).filter((one) => isPassing(one) && !this.#isOut(one.id));
    const beginning = serving.filter(({ sinceInstant }) => now - sinceInstant < comparison.beginningMs);
    const idsOf = (all: readonly EndpointSnapshot[]): ReadonlySet<string> => new Set(all.map(({ id }) => id));
    // Two releases that differ are the judge's, who compares them at the same time: here the old one has a minute, and the new one seconds.
    const ofOneRelease = [...Map.groupBy(serving, ({ release }) => release).values()];
    const [outlier = null] = ofOneRelease.flatMap(
      (all) => compared.outliers.find({ ...comparison, endpoints: idsOf(all), beginning: idsOf(beginning) }, now) ?? [],
    );
    const isCleared = this.#clearOthers(serving, outlier);
    const endpoint = outlier === null ? undefined : endpoints.get(outlier.endpoint as EndpointId);
    if (outlier === null || endpoint === undefined) return isCleared;
    const watched = this.#trackedOf(upstream, endpoint);
    return this.#onOutlier(endpoint, watched, evidenceOf(outlier), endpoints, outlier) || isCleared;
  }

  /** Endpoints that differed, stayed all the same, and differ no more. Returns whether there are any. */
  #clearOthers(serving: readonly EndpointSnapshot[], found: SiblingOutlier | null): boolean {
    let isCleared = false;
    for (const { id } of serving) {
      const watched = this.#tracked.get(id);
      if (watched === undefined || watched.outlier === null || found?.endpoint === id) continue;
      watched.outlier = null;
      if (watched.staying.clear()) isCleared = true;
    }
    return isCleared;
  }

  /** The endpoints by their checks, corrected by traffic. */
  adjust(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    if (this.#tracked.size === 0) return endpoints;
    const now = this.#parts.clock.now();
    return endpoints.map((endpoint) => {
      const traffic = this.#tracked.get(endpoint.id);
      return traffic === undefined ? endpoint : endpointByTraffic(endpoint, traffic, now);
    });
  }

  /** The endpoints of an upstream, or what their checks say, have changed. */
  checksChanged(upstream: UpstreamId): void {
    const endpoints = this.#parts.checked(upstream);
    const now = this.#parts.clock.now();
    for (const [id, watched] of this.#tracked) {
      if (watched.upstream !== upstream) continue;
      const endpoint = endpoints?.get(id);
      // A process that starts has not failed yet.
      if (endpoint === undefined || endpoint.state === 'starting') this.#forget(id, watched);
      else if (isPassing(endpoint)) {
        watched.isKept = false;
        this.#startProbation(endpoint, watched);
      } else {
        this.#contest(endpoint, watched);
        if (watched.trust.state === 'trusted') this.#trust(watched, trusted(now, watched.trust));
        this.#compared.get(upstream)?.outliers.forget(id);
      }
    }
  }

  /**
   * Call when anything about the endpoints of an upstream has changed. Where none may get requests, ejected ones would get all of them: their
   * circuit breakers decide instead, if the upstream has one.
   */
  review(upstream: UpstreamId): void {
    const endpoints = [...(this.#parts.checked(upstream)?.values() ?? [])];
    if (!endpoints.some(({ id }) => this.#isEjected(id))) return;
    if (this.#overridden(this.adjust(endpoints)).some(isReadyState)) return;
    for (const endpoint of endpoints) {
      const traffic = this.#tracked.get(endpoint.id);
      if (traffic !== undefined && isPassing(endpoint)) this.#useBreaker(endpoint, traffic);
    }
  }

  #useBreaker(endpoint: EndpointSnapshot, traffic: EndpointTraffic): void {
    const before = traffic.trust;
    if (traffic.settings.breaker === null) return;
    traffic.trust = byOwnBreaker(before, this.#parts.clock.now(), this.#ejectionOf(endpoint, traffic, true));
    if (traffic.trust === before) return;
    this.#scheduleProbation(traffic);
    this.#emitState(endpoint, stateOf(endpoint, before), ownBreakerReason, stateOf(endpoint, traffic.trust));
  }

  #overridden(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    return this.#parts.overridden?.(endpoints) ?? endpoints;
  }

  /** Its checks fail. Returns whether that, or what follows, has changed. */
  #contest(endpoint: EndpointSnapshot, watched: EndpointTraffic): boolean {
    const figures = watched.recent.figures(this.#parts.clock.now());
    const mayStay =
      endpoint.mayStay === true && watched.trust.state === 'trusted' && watched.settings.failureRate !== null;
    const isKept = mayStay && (watched.isKept ? isStillGoodTraffic(figures) : isGoodTraffic(figures));
    if (isKept === watched.isKept) return false;
    watched.isKept = isKept;
    const [from, to] = isKept ? (['unhealthy', 'healthy'] as const) : (['healthy', 'unhealthy'] as const);
    if (!isKept) this.#emitState(endpoint, from, mayStay ? noLongerKeptReason : endpoint.reason, to);
    else {
      const evidence = { ...figures, consecutiveUnreachable: 0, causes: {}, pauseMs: null };
      this.#emitEvidence(endpoint, watched.upstream, {
        from,
        to,
        reason: keptReason(endpoint.reason, figures),
        evidence,
      });
    }
    return true;
  }

  #trust(watched: EndpointTraffic, trust: TrustState): void {
    watched.trust = trust;
    if (trust.state === 'trusted') watched.detection = this.#detectionOf(watched.settings);
  }

  #detectionOf({ failureRate }: OutlierSettings): OutlierDetection | null {
    return failureRate === null ? null : this.#createDetection(failureRate);
  }

  stop(): void {
    for (const { timer } of this.#tracked.values()) timer?.cancel();
    this.#tracked.clear();
    this.#compared.clear();
  }

  #forget(id: EndpointId, { timer }: EndpointTraffic): void {
    timer?.cancel();
    this.#tracked.delete(id);
  }

  /** Returns whether the endpoint's state or reason has changed. */
  #note(outcome: EndpointOutcomes, routes: readonly RouteTraffic[]): boolean {
    const upstream = outcome.upstream as UpstreamId;
    const endpoints = this.#parts.checked(upstream);
    const endpoint = endpoints?.get(outcome.endpoint as EndpointId);
    if (endpoints === null || endpoint === undefined) return false;
    const watched = this.#trackedOf(upstream, endpoint);
    watched.recent.add(outcome, this.#parts.clock.now());
    if (endpoint.mayStay === true) return this.#contest(endpoint, watched);
    // Traffic decides nothing else about an endpoint that its checks have taken out.
    if (!isPassing(endpoint)) return false;
    // Attempts that began before a change of state do not count after it.
    if (stateOf(endpoint, watched.trust) !== outcome.state) return false;
    watched.causes.add(outcome, watched.settings.failureRate);
    noteRoutes(watched, outcome.endpoint, routes);
    if (watched.trust.state === 'probation')
      return this.#judgeProbation(endpoint, watched, { outcome, routes }, watched.trust, endpoints);
    if (watched.trust.state === 'ejected') return false; // It got requests only since no other endpoint could.
    const { detection } = watched;
    if (detection === null) return false;
    detection.onAttemptsEnded(outcome, outcome.latencyMs, this.#parts.clock.now());
    const evidence = detection.evidence(detection.hasFailures && this.#othersAreWell(endpoint, endpoints));
    if (evidence === null) return this.#clear(watched, detection);
    return this.#onOutlier(endpoint, watched, evidence, endpoints);
  }

  /** Whether the other endpoints that get requests answer nearly all of them. */
  #othersAreWell({ id }: EndpointSnapshot, all: EndpointsById): boolean {
    const now = this.#parts.clock.now();
    const others = [...all.values()].filter((other) => other.id !== id && isPassing(other) && !this.#isOut(other.id));
    return others.length > 0 && others.every((other) => this.#isWell(other.id, now));
  }

  #isWell(id: EndpointId, now: Instant): boolean {
    const traffic = this.#tracked.get(id);
    return traffic !== undefined && isGoodTraffic(traffic.recent.figures(now));
  }

  #judgeProbation(
    endpoint: EndpointSnapshot,
    watched: EndpointTraffic,
    { outcome, routes }: { readonly outcome: EndpointOutcomes; readonly routes: readonly RouteTraffic[] },
    before: Extract<TrustState, { state: 'probation' }>,
    all: EndpointsById,
  ): boolean {
    const { clock, random } = this.#parts;
    const byBreaker = watched.settings.breaker !== null && !this.#mayEject(endpoint, watched, all);
    const settings = this.#ejectionOf(endpoint, watched, byBreaker);
    const cause = { random: random.next(), byBreaker };
    const only = before.byBreaker ? [] : watched.probationRoutes;
    const seen = onRoutes(countedOutcomes(outcome, watched.settings.failureRate), endpoint.id, only, routes);
    const counted = asBefore(watched.outlier, seen, routes);
    this.#trust(watched, afterProbation(before, counted, clock.now(), cause, settings));
    const { state } = watched.trust;
    const from = stateOf(endpoint, before);
    if (state === 'trusted') {
      this.#emitState(endpoint, from, probationEndReason(settings.probationSuccesses), endpoint.state);
      this.#forgetCauses(watched);
      watched.reason = '';
      watched.outlier = null;
      watched.timer?.cancel();
      this.#compared.get(watched.upstream)?.outliers.forget(endpoint.id);
    } else if (state === 'ejected') {
      const how =
        watched.outlier === null || outcome.failures > 0
          ? `failed (${watched.causes.commonest})`
          : howAgain(watched.outlier);
      watched.reason = `a request of its ${before.byBreaker ? 'half-open breaker' : 'probation'} ${how}`;
      const figures = { requests: 0, failures: 1, consecutiveUnreachable: 0, windowMs: defaultFailureRate.windowMs };
      if (watched.failedRoutes.size > 0) watched.probationRoutes = mostOf(watched.failedRoutes);
      else if (watched.outlier !== null) watched.probationRoutes = watched.outlier.routes;
      this.#emitDisagreement(endpoint, watched, from, figures);
      this.#scheduleProbation(watched);
    }
    return state !== before.state;
  }

  #forgetCauses({ causes, failedRoutes }: EndpointTraffic): void {
    causes.clear();
    failedRoutes.clear();
  }

  /** Traffic agrees with the checks. */
  #clear(watched: EndpointTraffic, { hasFailures }: OutlierDetection): boolean {
    if (!hasFailures) this.#forgetCauses(watched);
    // It stays for what it differs by from the others: they are compared elsewhere.
    return watched.outlier === null && watched.staying.clear();
  }

  #onOutlier(
    endpoint: EndpointSnapshot,
    watched: EndpointTraffic,
    evidence: OutlierEvidence,
    all: EndpointsById,
    outlier: SiblingOutlier | null = null,
  ): boolean {
    const { clock, random } = this.#parts;
    const now = clock.now();
    const { ejection, breaker } = watched.settings;
    watched.outlier = outlier;
    const isOfAny = evidence.consecutiveUnreachable > 0;
    watched.probationRoutes = outlier?.routes ?? (isOfAny ? [] : mostOf(watched.failedRoutes));
    watched.reason = outlier === null ? `${evidence.reason} (mostly ${watched.causes.commonest})` : evidence.reason;
    const byBreaker = !this.#mayEject(endpoint, watched, all);
    if (!byBreaker || breaker !== null) {
      const { restMs = 0 } = evidence;
      const settings = this.#ejectionOf(endpoint, watched, byBreaker);
      watched.trust = ejected(watched.trust, now, { random: random.next(), byBreaker, restMs }, settings);
      watched.staying.end();
      this.#emitDisagreement(endpoint, watched, endpoint.state, evidence);
      this.#scheduleProbation(watched);
      return true;
    }
    watched.isOnly = all.size === 1;
    const { isReport, isChange } = watched.staying.note(evidence.failures, ejection.overAfterMs, now);
    if (isReport) this.#emitDisagreement(endpoint, watched, endpoint.state, evidence);
    return isChange;
  }

  /** Whether enough other endpoints are left that get requests. */
  #mayEject({ id }: EndpointSnapshot, { settings }: EndpointTraffic, all: EndpointsById): boolean {
    const passing = this.#overridden([...all.values()]).filter(isPassing);
    const out = passing.filter((other) => other.id !== id && this.#isOut(other.id)).length;
    return mayEject(passing.length, out, settings.ejection);
  }

  #ejectionOf({ state }: EndpointSnapshot, { settings }: EndpointTraffic, byBreaker: boolean): EjectionSettings {
    const { breaker, ejection } = settings;
    return byBreaker && breaker !== null ? breakerEjection(breaker, ejection, state !== 'unchecked') : ejection;
  }

  #isOut(id: EndpointId): boolean {
    const state = this.#tracked.get(id)?.trust.state ?? 'trusted';
    return state !== 'trusted';
  }

  /** It gets requests only while no other endpoint may. */
  #isEjected(id: EndpointId): boolean {
    const trust = this.#tracked.get(id)?.trust;
    return trust !== undefined && trust.state !== 'trusted' && !trust.byBreaker;
  }

  #scheduleProbation(watched: EndpointTraffic): void {
    const { clock } = this.#parts;
    watched.timer?.cancel();
    if (watched.trust.state !== 'ejected') return;
    watched.timer = clock.schedule(
      watched.trust.until,
      (due: { watch: OutlierDetector; upstream: UpstreamId }) => due.watch.#pauseIsOver(due.upstream),
      { watch: this as OutlierDetector, upstream: watched.upstream },
    );
  }

  /** An operator wants an endpoint tried again now. Returns whether it was ejected because of its traffic. */
  endPause(id: EndpointId): boolean {
    const watched = this.#tracked.get(id);
    if (watched?.trust.state !== 'ejected') return false;
    watched.timer?.cancel();
    watched.trust = { ...watched.trust, until: this.#parts.clock.now() };
    this.#pauseIsOver(watched.upstream);
    return true;
  }

  /** A check was refused a connection: the program that failed has ended, and its pause with it. It is tried once its checks pass again. */
  onRefusedCheck(id: EndpointId): void {
    const watched = this.#tracked.get(id);
    if (watched?.trust.state === 'ejected' && watched.trust.restMs === 0)
      watched.trust = { ...watched.trust, until: this.#parts.clock.now() };
  }

  #pauseIsOver(upstream: UpstreamId): void {
    this.checksChanged(upstream);
    this.#parts.onChange(upstream);
  }

  #startProbation(endpoint: EndpointSnapshot, watched: EndpointTraffic): void {
    const before = watched.trust;
    const next = startProbation(before, this.#parts.clock.now());
    if (next === before || next.state !== 'probation') return;
    watched.trust = next;
    this.#forgetCauses(watched);
    this.#scheduleAnyRoute(watched);
    this.#emitState(endpoint, stateOf(endpoint, before), probationStartReason, stateOf(endpoint, next));
  }

  /** Requests of the routes on which it failed may come no more. */
  #scheduleAnyRoute(watched: EndpointTraffic): void {
    const { clock } = this.#parts;
    if (watched.probationRoutes.length === 0) return;
    watched.timer?.cancel();
    watched.timer = clock.schedule(
      after(clock.now(), anyRouteAfterMs),
      (due: { watch: OutlierDetector; watched: EndpointTraffic }) => due.watch.#letAnyRoute(due.watched),
      { watch: this as OutlierDetector, watched },
    );
  }

  #letAnyRoute(watched: EndpointTraffic): void {
    watched.probationRoutes = [];
    this.#parts.onChange(watched.upstream);
  }

  #trackedOf(upstream: UpstreamId, { id }: EndpointSnapshot): EndpointTraffic {
    const settings = this.#parts.settingsOf?.(upstream) ?? defaultSettings;
    const known = this.#tracked.get(id);
    if (known !== undefined) {
      if (known.settings !== settings) this.#changeSettings(known, settings);
      return known;
    }
    const watched: EndpointTraffic = {
      upstream,
      trust: trusted(this.#parts.clock.now()),
      settings,
      detection: this.#detectionOf(settings),
      causes: new FailureCauses(),
      failedRoutes: new Map(),
      probationRoutes: [],
      reason: '',
      outlier: null,
      staying: new StayingOutlier(),
      isOnly: false,
      timer: null,
      recent: new RecentTraffic(),
      isKept: false,
    };
    this.#tracked.set(id, watched);
    return watched;
  }

  /** After a reload. What is out already stays out until its pause is over. */
  #changeSettings(watched: EndpointTraffic, settings: OutlierSettings): void {
    const isNewRate = JSON.stringify(settings.failureRate) !== JSON.stringify(watched.settings.failureRate);
    watched.settings = settings;
    if (isNewRate) watched.detection = this.#detectionOf(settings);
  }

  #emitDisagreement(
    endpoint: EndpointSnapshot,
    { upstream, trust, reason, causes, isOnly, outlier }: EndpointTraffic,
    from: EndpointState,
    { requests, failures, windowMs, consecutiveUnreachable }: Omit<OutlierEvidence, 'reason'>,
  ): void {
    const pauseMs = trust.state === 'ejected' ? Math.round(trust.until - trust.since) : null;
    const byBreaker = trust.state === 'ejected' && trust.byBreaker;
    const then = pauseMs === null ? staysReason(isOnly) : pauseReason(pauseMs, byBreaker);
    const byCause = outlier === null ? causes.toObject() : { [eventNames[outlier.event]]: failures };
    const figures = { requests, failures, windowMs, consecutiveUnreachable, causes: byCause, pauseMs };
    const to = pauseMs === null ? from : stateOf(endpoint, trust);
    const text = `${checksReason(endpoint.state)}, but ${reason}; ${then}`;
    this.#emitEvidence(endpoint, upstream, { from, to, reason: text, evidence: figures });
  }

  #emitEvidence(
    { id, address }: EndpointSnapshot,
    upstream: UpstreamId,
    { evidence, ...change }: { from: EndpointState; to: EndpointState; reason: string; evidence: DisagreementFigures },
  ): void {
    this.#parts.events.emit({
      kind: 'health_disagreement',
      subject: `endpoint:${id}`,
      ...change,
      evidence: { address: addressText(address), check: this.#parts.checkOf(upstream), ...evidence },
    });
  }

  #emitState(endpoint: EndpointSnapshot, from: EndpointState, reason: string, to: EndpointState): void {
    const evidence = { address: addressText(endpoint.address), check: 'traffic' };
    this.#parts.events.emit({ kind: 'endpoint_state', subject: `endpoint:${endpoint.id}`, from, to, reason, evidence });
  }
}

/** On which routes attempts at the endpoint fail. */
function noteRoutes({ failedRoutes }: EndpointTraffic, endpoint: string, routes: readonly RouteTraffic[]): void {
  for (const { route, endpoint: at, failures = 0 } of routes)
    if (at === endpoint && failures > 0) failedRoutes.set(route, (failedRoutes.get(route) ?? 0) + failures);
}
