import { addressText, type EndpointId, type EndpointState, type UpstreamId } from '../core/endpoint.ts';
import type { EventFacts, EventSink } from '../core/event.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { afterProbation, ejected, mayEject, startProbation, type TrustState, trusted } from '../policy/ejection.ts';
import { FailureRateDetection } from '../policy/failure-rate-detection.ts';
import type { CreateOutlierDetection, OutlierDetection, OutlierEvidence } from '../policy/outlier-detection.ts';
import {
  breakerEjection,
  defaultFailureRate,
  type EjectionSettings,
  type OutlierSettings,
  outlierSettingsOf,
} from '../policy/outlier-settings.ts';
import { isGoodTraffic, isStillGoodTraffic, RecentTraffic } from '../policy/recent-traffic.ts';
import {
  checksReason,
  FailureCauses,
  keptReason,
  noLongerKeptReason,
  outReason,
  pauseReason,
  probationEndReason,
  probationReason,
  probationStartReason,
  staysReason,
} from './outlier-reasons.ts';

export interface OutlierDetectorParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** The endpoints of an upstream by their checks alone; null for an upstream that is not in force. */
  readonly checked: (upstream: UpstreamId) => EndpointsById | null;
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

interface EndpointTraffic {
  readonly upstream: UpstreamId;
  trust: TrustState;
  settings: OutlierSettings;
  /** For as long as the endpoint is trusted; null where traffic decides nothing. */
  detection: OutlierDetection | null;
  readonly causes: FailureCauses;
  /** What traffic says against the endpoint; '' where nothing. */
  reason: string;
  /** It is an outlier that stays, since too many others are out; the next report of that is not due before. */
  nextReportAt: Instant | null;
  timer: Timer | null;
  readonly recent: RecentTraffic;
  /** Its checks fail and its traffic is good: it stays. */
  isKept: boolean;
}

const defaultSettings = outlierSettingsOf({});

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

  constructor(parts: OutlierDetectorParts) {
    this.#parts = parts;
    this.#createDetection = parts.createDetection ?? ((settings) => new FailureRateDetection(settings));
  }

  /** Outcomes of attempts, from a worker's batch. */
  onOutcomes(outcomes: readonly EndpointOutcomes[]): void {
    const changed = new Set<UpstreamId>();
    for (const outcome of outcomes) if (this.#note(outcome)) changed.add(outcome.upstream as UpstreamId);
    for (const upstream of changed) this.#parts.onChange(upstream);
  }

  /** The endpoints by their checks, corrected by traffic. */
  adjust(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    if (this.#tracked.size === 0) return endpoints;
    return endpoints.map((endpoint) => this.#adjustOne(endpoint));
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
        if (watched.trust.state === 'trusted') this.#trust(watched, trusted(now, watched.trust.ejections));
      }
    }
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
  }

  #forget(id: EndpointId, { timer }: EndpointTraffic): void {
    timer?.cancel();
    this.#tracked.delete(id);
  }

  /** Returns whether the endpoint's state or reason has changed. */
  #note(outcome: EndpointOutcomes): boolean {
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
    if (watched.trust.state === 'probation') return this.#judgeProbation(endpoint, watched, outcome, watched.trust);
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
    outcome: EndpointOutcomes,
    before: Extract<TrustState, { state: 'probation' }>,
  ): boolean {
    const { clock, random } = this.#parts;
    const settings = this.#ejectionOf(endpoint, watched, before.byBreaker);
    this.#trust(watched, afterProbation(before, outcome, clock.now(), random.next(), settings));
    const { state } = watched.trust;
    const from = stateOf(endpoint, before);
    if (state === 'trusted') {
      this.#emitState(endpoint, from, probationEndReason(settings.probationSuccesses), endpoint.state);
      watched.causes.clear();
      watched.reason = '';
    } else if (state === 'ejected') {
      watched.reason = `a request of its ${before.byBreaker ? 'half-open breaker' : 'probation'} failed (${watched.causes.commonest})`;
      const figures = { requests: 0, failures: 1, consecutiveUnreachable: 0, windowMs: defaultFailureRate.windowMs };
      this.#emitDisagreement(endpoint, watched, from, figures);
      this.#scheduleProbation(watched);
    }
    return state !== before.state;
  }

  /** Traffic agrees with the checks. */
  #clear(watched: EndpointTraffic, { hasFailures }: OutlierDetection): boolean {
    const wasOutlier = watched.nextReportAt !== null;
    watched.nextReportAt = null;
    if (!hasFailures) watched.causes.clear();
    return wasOutlier;
  }

  #onOutlier(
    endpoint: EndpointSnapshot,
    watched: EndpointTraffic,
    evidence: OutlierEvidence,
    all: EndpointsById,
  ): boolean {
    const { clock, random } = this.#parts;
    const now = clock.now();
    const { ejection, breaker } = watched.settings;
    const passing = [...all.values()].filter(isPassing);
    const out = passing.filter(({ id }) => this.#isOut(id)).length;
    watched.reason = `${evidence.reason} (mostly ${watched.causes.commonest})`;
    const byBreaker = !mayEject(passing.length, out, ejection);
    if (!byBreaker || breaker !== null) {
      const { restMs = 0 } = evidence;
      const settings = this.#ejectionOf(endpoint, watched, byBreaker);
      watched.trust = ejected(watched.trust, now, { random: random.next(), byBreaker, restMs }, settings);
      watched.nextReportAt = null;
      this.#emitDisagreement(endpoint, watched, endpoint.state, evidence);
      this.#scheduleProbation(watched);
      return true;
    }
    if (watched.nextReportAt !== null && now < watched.nextReportAt) return false;
    watched.nextReportAt = after(now, ejection.reportEveryMs);
    this.#emitDisagreement(endpoint, watched, endpoint.state, evidence);
    return true;
  }

  #ejectionOf({ state }: EndpointSnapshot, { settings }: EndpointTraffic, byBreaker: boolean): EjectionSettings {
    const { breaker, ejection } = settings;
    return byBreaker && breaker !== null ? breakerEjection(breaker, ejection, state !== 'unchecked') : ejection;
  }

  #isOut(id: EndpointId): boolean {
    const state = this.#tracked.get(id)?.trust.state ?? 'trusted';
    return state !== 'trusted';
  }

  #scheduleProbation(watched: EndpointTraffic): void {
    const { clock } = this.#parts;
    if (watched.trust.state !== 'ejected') return;
    watched.timer?.cancel();
    watched.timer = clock.schedule(
      watched.trust.until,
      (due: { watch: OutlierDetector; upstream: UpstreamId }) => due.watch.#pauseIsOver(due.upstream),
      { watch: this as OutlierDetector, upstream: watched.upstream },
    );
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
    watched.causes.clear();
    this.#emitState(endpoint, stateOf(endpoint, before), probationStartReason, stateOf(endpoint, next));
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
      reason: '',
      nextReportAt: null,
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

  #adjustOne(endpoint: EndpointSnapshot): EndpointSnapshot {
    const watched = this.#tracked.get(endpoint.id);
    if (watched === undefined) return endpoint;
    if (watched.isKept) return this.#keep(endpoint, watched);
    if (!isPassing(endpoint)) return endpoint;
    const { trust, reason: traffic, nextReportAt, settings } = watched;
    const checks = checksReason(endpoint.state);
    if (trust.state === 'trusted') {
      const isOutlier = nextReportAt !== null && this.#parts.clock.now() < nextReportAt;
      return isOutlier ? { ...endpoint, reason: `${checks}, but ${traffic}; ${staysReason}` } : endpoint;
    }
    const state = stateOf(endpoint, trust);
    const { since: sinceInstant } = trust;
    if (trust.state === 'probation') {
      const reason = probationReason(traffic, trust.successes, settings.ejection.probationSuccesses);
      const schedule = trust.byBreaker
        ? { nextInstant: trust.since, everyMs: halfOpenRetryMs, passesNeeded: 1 }
        : endpoint.checks;
      const probesMax = trust.byBreaker ? (settings.breaker?.probesMax ?? 1) : 1;
      const more = probesMax === 1 ? {} : { probesMax };
      return { ...endpoint, state, reason, sinceInstant, checks: schedule, ...more };
    }
    const pauseMs = trust.until - trust.since;
    // Retry-After is computed from this: the endpoint gets requests again when the pause is over.
    const schedule = { nextInstant: trust.until, everyMs: pauseMs, passesNeeded: 1 };
    const reason = outReason(checks, traffic, pauseMs, trust.byBreaker);
    return { ...endpoint, state, reason, sinceInstant, checks: schedule };
  }

  #keep(endpoint: EndpointSnapshot, { recent }: EndpointTraffic): EndpointSnapshot {
    const reason = keptReason(endpoint.reason, recent.figures(this.#parts.clock.now()));
    return { ...endpoint, state: 'healthy', reason };
  }

  #emitDisagreement(
    endpoint: EndpointSnapshot,
    { upstream, trust, reason, causes }: EndpointTraffic,
    from: EndpointState,
    { requests, failures, windowMs, consecutiveUnreachable }: Omit<OutlierEvidence, 'reason'>,
  ): void {
    const pauseMs = trust.state === 'ejected' ? Math.round(trust.until - trust.since) : null;
    const then = pauseMs === null ? staysReason : pauseReason(pauseMs);
    const figures = { requests, failures, windowMs, consecutiveUnreachable, causes: causes.toObject(), pauseMs };
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

/** What clients are told to wait while a breaker is half-open: its probes take their time, or the breaker opens again. */
const halfOpenRetryMs = 1000;

/** Whether it would get requests if checks alone decided. */
function isPassing({ state }: EndpointSnapshot): boolean {
  return state === 'healthy' || state === 'unchecked';
}

/** The state that is sent to the workers. */
function stateOf(endpoint: EndpointSnapshot, trust: TrustState): EndpointState {
  if (trust.state === 'trusted') return endpoint.state;
  if (!trust.byBreaker) return trust.state;
  return trust.state === 'ejected' ? 'circuit_open' : 'half_open';
}
