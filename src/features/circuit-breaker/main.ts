import { type FeatureMessages, scopeKey } from '../../core/feature.ts';
import { type CircuitState, circuitStates } from '../../core/gateway-state.ts';
import type { Sample } from '../../core/metric-family.ts';
import { after, type Instant, type Timer } from '../../core/time.ts';
import { FailureCauses, pauseText } from '../../discovery/outlier-reasons.ts';
import { afterProbation, ejected, startProbation, type TrustState, trusted } from '../../policy/ejection.ts';
import { FailureRateDetection } from '../../policy/failure-rate-detection.ts';
import type { AttemptOutcomes, OutlierDetection, OutlierEvidence } from '../../policy/outlier-detection.ts';
import {
  defaultEjection,
  defaultFailureRate,
  type FailureRateSettings,
  type OutlierSettings,
  slicesPerWindow,
} from '../../policy/outlier-settings.ts';
import { mainFeature, type MainFeaturePorts, type MainPart, type ScopedSpec } from '../main-feature.ts';
import {
  type BreakerOutcomes,
  type BreakersStatus,
  type BreakerState,
  circuitBreakerName,
  type RouteBreakerSpec,
} from './settings.ts';

interface Breaker {
  readonly route: string;
  readonly upstream: string;
  spec: RouteBreakerSpec;
  settings: ReturnType<typeof routeBreakerSettings>;
  trust: TrustState;
  detection: OutlierDetection;
  readonly causes: FailureCauses;
  reason: string;
  timer: Timer | null;
}

/**
 * The circuit breakers of routes, by the same policy as those of endpoints: main learns from the workers how the exchanges of a route end, and tells them the state.
 * A route has one for requests that fail at whatever endpoint; connections that cannot be made are the business of endpoints.
 */
export class CircuitBreakers implements MainPart<RouteBreakerSpec> {
  readonly #ports: MainFeaturePorts;
  #breakers: ReadonlyMap<string, Breaker> = new Map();

  constructor(ports: MainFeaturePorts) {
    this.#ports = ports;
  }

  /** A breaker that is not closed stays so until its time is over. */
  use(scopes: readonly ScopedSpec<RouteBreakerSpec>[]): void {
    const next = new Map(scopes.map((scoped) => [scopeKey(scoped.scope), this.#breakerOf(scoped)]));
    for (const [route, breaker] of this.#breakers) if (next.get(route) !== breaker) breaker.timer?.cancel();
    this.#breakers = next;
    this.#publish();
  }

  #breakerOf({ scope, spec }: ScopedSpec<RouteBreakerSpec>): Breaker {
    const { id: route } = scope;
    const upstream = scope.upstream ?? '';
    const settings = routeBreakerSettings(spec);
    const known = this.#breakers.get(scopeKey(scope));
    if (known?.upstream === upstream) {
      if (JSON.stringify(known.spec) !== JSON.stringify(spec)) {
        Object.assign(known, { spec, settings, detection: new FailureRateDetection(settings.failureRate) });
      }
      return known;
    }
    const trust = trusted(this.#ports.clock.now());
    const detection = new FailureRateDetection(settings.failureRate);
    return { route, upstream, spec, settings, trust, detection, causes: new FailureCauses(), reason: '', timer: null };
  }

  #publish(): void {
    const states = [...this.#breakers].flatMap(([key, breaker]) => {
      const state = stateFor(breaker);
      return state === null ? [] : [[key, state] as const];
    });
    this.#ports.publish(Object.fromEntries(states));
  }

  onReports(reports: FeatureMessages): void {
    let changed = false;
    for (const [key, report] of Object.entries(reports)) {
      const outcome = report as BreakerOutcomes;
      const breaker = this.#breakers.get(key);
      // Requests that passed the breaker in another state say nothing about this one.
      if (breaker === undefined || circuitOf(breaker.trust) !== outcome.state) continue;
      changed = this.#note(breaker, outcome) || changed;
    }
    if (changed) this.#publish();
  }

  #note(breaker: Breaker, outcome: BreakerOutcomes): boolean {
    const { clock, random } = this.#ports;
    const now = clock.now();
    breaker.causes.add({ ...attemptsOf(outcome), causes: outcome.causes }, countedErrors);
    const { trust, settings, detection } = breaker;
    if (trust.state === 'probation') {
      const cause = { random: random.next(), byBreaker: true };
      breaker.trust = afterProbation(trust, attemptsOf(outcome), now, cause, settings.ejection);
      if (breaker.trust.state === 'probation') return false;
      if (breaker.trust.state === 'trusted') this.#closed(breaker);
      else this.#opened(breaker, 'half_open', 'a request failed while it was half-open', noFigures(outcome));
      return true;
    }
    detection.onAttemptsEnded(attemptsOf(outcome), 0, now);
    const evidence = detection.evidence();
    if (evidence === null) {
      if (!detection.hasFailures) breaker.causes.clear();
      return false;
    }
    breaker.trust = ejected(trust, now, { random: random.next(), byBreaker: true }, settings.ejection);
    this.#opened(breaker, 'closed', evidence.reason, evidence);
    return true;
  }

  #opened(breaker: Breaker, from: CircuitState, why: string, figures: Omit<OutlierEvidence, 'reason'>): void {
    const { trust } = breaker;
    if (trust.state !== 'ejected') return;
    const openMs = Math.round(trust.until - trust.since);
    breaker.reason = `${why} (mostly ${breaker.causes.commonest}); it is open for ${pauseText(openMs)}`;
    this.#emit(breaker, from, 'open', figures, openMs);
    this.#schedule(breaker, trust.until);
  }

  #closed(breaker: Breaker): void {
    breaker.reason = `${breaker.settings.ejection.probationSuccesses} of its requests were answered in a row`;
    this.#emit(breaker, 'half_open', 'closed', { ...noRequests, windowMs: breaker.spec.windowMs }, null);
    breaker.reason = '';
    breaker.causes.clear();
    breaker.detection = new FailureRateDetection(breaker.settings.failureRate);
  }

  #schedule(breaker: Breaker, at: Instant): void {
    breaker.timer?.cancel();
    const subject = { breakers: this as CircuitBreakers, breaker };
    breaker.timer = this.#ports.clock.schedule(at, (due) => due.breakers.#halfOpen(due.breaker), subject);
  }

  #halfOpen(breaker: Breaker): void {
    const now = this.#ports.clock.now();
    breaker.trust = startProbation(breaker.trust, now);
    if (breaker.trust.state !== 'probation') return;
    const { probesMax } = breaker.spec;
    const probes = probesMax === 1 ? 'one request at a time is' : `${probesMax} requests at a time are`;
    breaker.reason = `it is half-open: ${probes} let through`;
    breaker.causes.clear();
    this.#emit(breaker, 'open', 'half_open', { ...noRequests, windowMs: breaker.spec.windowMs }, null);
    this.#publish();
  }

  #emit(
    { route, upstream, reason, causes }: Breaker,
    from: CircuitState,
    to: CircuitState,
    { requests, failures, windowMs }: Pick<OutlierEvidence, 'requests' | 'failures' | 'windowMs'>,
    openMs: number | null,
  ): void {
    const evidence = { upstream, requests, failures, windowMs, causes: causes.toObject(), openMs };
    this.#ports.events.emit({ kind: 'circuit_breaker', subject: `route:${route}`, from, to, reason, evidence });
  }

  status(): BreakersStatus {
    const now = this.#ports.clock.now();
    const breakers = [...this.#breakers.values()].map(({ route, upstream, trust, reason }) => {
      const sinceS = Math.max(0, Math.round((now - trust.since) / 1000));
      const retryAfterS = trust.state === 'ejected' ? Math.max(1, Math.ceil((trust.until - now) / 1000)) : null;
      return { route, upstream, state: circuitOf(trust), reason, sinceS, retryAfterS };
    });
    return { breakers };
  }

  refusedRoutes(upstream: string): number {
    return [...this.#breakers.values()].filter((one) => one.upstream === upstream && one.trust.state !== 'trusted')
      .length;
  }

  stop(): void {
    for (const { timer } of this.#breakers.values()) timer?.cancel();
    this.#breakers = new Map();
  }
}

/** The workers have counted them as failures already, where the route says so. */
const countedErrors = { countsServerErrors: true, countsRateLimits: false };

/** The circuit breaker of a route goes by the same policy as that of an endpoint. */
function routeBreakerSettings(spec: RouteBreakerSpec): Pick<OutlierSettings, 'ejection'> & {
  readonly failureRate: FailureRateSettings;
} {
  const { windowMs, requestsMin, consecutiveFailuresMax, openMs } = spec;
  return {
    failureRate: {
      ...defaultFailureRate,
      ...{ windowMs, requestsMin, consecutiveFailuresMax },
      sliceMs: windowMs / slicesPerWindow,
      successShareMin: 1 - spec.failureShareMax,
    },
    ejection: { ...defaultEjection, firstPauseMs: openMs, longestPauseMs: Math.max(openMs, spec.openMaxMs) },
  };
}

export const circuitBreaker = mainFeature<RouteBreakerSpec, CircuitBreakers, BreakersStatus>({
  name: circuitBreakerName,
  sharesSemaphores: () => true,
  metrics: ({ breakers }) => [
    {
      name: 'candor_route_circuit_state',
      help: 'Circuit breakers of routes: 1 for the state that each is in.',
      samples: breakers.flatMap(({ route, state: present }) =>
        circuitStates.map((state): Sample => [{ route, state }, state === present ? 1 : 0]),
      ),
    },
  ],
  start: (ports) => new CircuitBreakers(ports),
});

const noRequests = { requests: 0, failures: 0 };

function noFigures({ failures }: BreakerOutcomes): Omit<OutlierEvidence, 'reason'> {
  return { requests: failures, failures, windowMs: 0, consecutiveUnreachable: 0 };
}

function circuitOf({ state }: TrustState): CircuitState {
  return state === 'trusted' ? 'closed' : state === 'ejected' ? 'open' : 'half_open';
}

function stateFor({ trust, reason }: Breaker): BreakerState | null {
  const state = circuitOf(trust);
  if (state === 'closed') return null;
  return { state, reason, until: trust.state === 'ejected' ? trust.until : after(trust.since, 0) };
}

function attemptsOf(outcomes: BreakerOutcomes): AttemptOutcomes {
  const { successes, failures, consecutiveFailures, serverErrors, failedClients = null, answeredBy = '' } = outcomes;
  return {
    ...{ failedClients, answeredBy },
    successes,
    failures,
    consecutiveFailures,
    serverErrors,
    consecutiveUnreachable: 0,
    rateLimited: 0,
    restMs: 0,
  };
}
