import type { EndpointState, UpstreamId } from '../core/endpoint.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { type Instant, type Timer, after } from '../core/time.ts';
import type { TrustState } from '../policy/ejection.ts';
import type { OutlierDetection } from '../policy/outlier-detection.ts';
import type { OutlierSettings } from '../policy/outlier-settings.ts';
import type { SiblingOutlier } from '../policy/sibling-outliers.ts';
import type { RecentTraffic } from '../policy/recent-traffic.ts';
import {
  checksReason,
  type FailureCauses,
  keptReason,
  outReason,
  probationReason,
  staysReason,
} from './outlier-reasons.ts';

/** What is known of an endpoint by its traffic. */
export interface EndpointTraffic {
  readonly upstream: UpstreamId;
  trust: TrustState;
  settings: OutlierSettings;
  /** For as long as the endpoint is trusted; null where traffic decides nothing. */
  detection: OutlierDetection | null;
  readonly causes: FailureCauses;
  /** Attempts that failed, by route, since they began; without those that got no connection. */
  readonly failedRoutes: Map<string, number>;
  /** By which its probation is judged; empty: by any. */
  probationRoutes: readonly string[];
  /** What traffic says against the endpoint; '' where nothing. */
  reason: string;
  /** By what it differed from the other endpoints when it was ejected; null: it was for failures. */
  outlier: SiblingOutlier | null;
  /** Whether it is an outlier that stays, since too many others are out, or it is the only one. */
  readonly staying: StayingOutlier;
  isOnly: boolean;
  timer: Timer | null;
  readonly recent: RecentTraffic;
  /** Its checks fail and its traffic is good: it stays. */
  isKept: boolean;
}

/** The endpoint by its checks, corrected by its traffic. */
export function endpointByTraffic(
  endpoint: EndpointSnapshot,
  traffic: EndpointTraffic,
  now: Instant,
): EndpointSnapshot {
  if (traffic.isKept) {
    return { ...endpoint, state: 'healthy', reason: keptReason(endpoint.reason, traffic.recent.figures(now)) };
  }
  if (!isPassing(endpoint)) return endpoint;
  const { trust, reason, staying, settings } = traffic;
  if (trust.state !== 'trusted') return withoutTrust(endpoint, traffic, trust);
  return staying.isOutlier(settings.ejection.overAfterMs, now)
    ? { ...endpoint, reason: `${checksReason(endpoint.state)}, but ${reason}; ${staysReason(traffic.isOnly)}` }
    : endpoint;
}

function withoutTrust(
  endpoint: EndpointSnapshot,
  { reason: traffic, settings, probationRoutes }: EndpointTraffic,
  trust: Exclude<TrustState, { state: 'trusted' }>,
): EndpointSnapshot {
  const out = { ...endpoint, state: stateOf(endpoint, trust), sinceInstant: trust.since };
  if (trust.state === 'probation') {
    const only = trust.byBreaker ? [] : probationRoutes;
    const reason = probationReason(traffic, trust.successes, settings.ejection.probationSuccesses, only);
    if (!trust.byBreaker) return { ...out, reason, ...(only.length === 0 ? {} : { probationRoutes: only }) };
    const probesMax = settings.breaker?.probesMax ?? 1;
    const checks = { nextInstant: trust.since, everyMs: halfOpenRetryMs, passesNeeded: 1 };
    return { ...out, reason, checks, ...(probesMax === 1 ? {} : { probesMax }) };
  }
  const pauseMs = trust.until - trust.since;
  // Retry-After is computed from this: the endpoint gets requests again when the pause is over.
  const checks = { nextInstant: trust.until, everyMs: pauseMs, passesNeeded: 1 };
  return { ...out, reason: outReason(checksReason(endpoint.state), traffic, pauseMs, trust.byBreaker), checks };
}

/** What clients are told to wait while a breaker is half-open: its probes take their time, or the breaker opens again. */
const halfOpenRetryMs = 1000;

/** Whether it would get requests if checks alone decided. */
export function isPassing({ state }: EndpointSnapshot): boolean {
  return state === 'healthy' || state === 'unchecked';
}

/** The state that is sent to the workers. */
export function stateOf(endpoint: EndpointSnapshot, trust: TrustState): EndpointState {
  if (trust.state === 'trusted') return endpoint.state;
  if (!trust.byBreaker) return trust.state;
  return trust.state === 'ejected' ? 'circuit_open' : 'half_open';
}

/** So many times as many failures as in the window that was reported are reported again. */
const growth = 10;

/**
 * An outlier that gets requests as before, because too few other endpoints are left. Its failures may be half of its requests now, and fewer a moment
 * later: that is one condition, until nothing has spoken against the endpoint for a while.
 */
export class StayingOutlier {
  #isOutlier = false;
  #lastAt: Instant | null = null;
  #changedAt: Instant | null = null;
  #reportedAt: Instant | null = null;
  /** The most until the window that was reported was over. */
  #failuresBefore = 0;

  /**
   * The endpoint's requests show that it is an outlier. `failures`: of the window, which lasts `overAfterMs`. Returns whether an event is due (`isReport`: it
   * has become one, or its failures have grown tenfold), and whether the status is to show new numbers (`isChange`).
   */
  note(
    failures: number,
    overAfterMs: number,
    now: Instant,
  ): { readonly isReport: boolean; readonly isChange: boolean } {
    const isNew = this.#lastAt === null || now >= after(this.#lastAt, overAfterMs);
    const isFilling = this.#reportedAt !== null && now < after(this.#reportedAt, overAfterMs);
    const isReport = isNew || (!isFilling && failures >= growth * this.#failuresBefore);
    const isChange =
      isReport || !this.#isOutlier || this.#changedAt === null || now >= after(this.#changedAt, overAfterMs);
    this.#isOutlier = true;
    this.#lastAt = now;
    if (isReport) {
      this.#reportedAt = now;
      this.#failuresBefore = Math.max(1, failures);
    } else if (isFilling) this.#failuresBefore = Math.max(this.#failuresBefore, failures);
    if (isChange) this.#changedAt = now;
    return { isReport, isChange };
  }

  /** Traffic agrees with the checks for now. Returns whether it did not before. */
  clear(): boolean {
    const wasOutlier = this.#isOutlier;
    this.#isOutlier = false;
    return wasOutlier;
  }

  /** It stays no longer. */
  end(): void {
    this.#isOutlier = false;
    this.#lastAt = null;
  }

  isOutlier(overAfterMs: number, now: Instant): boolean {
    return this.#isOutlier && this.#lastAt !== null && now < after(this.#lastAt, overAfterMs);
  }
}
