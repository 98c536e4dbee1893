import { addressText, type EndpointId, type EndpointState, type UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import { failureTable } from '../core/failure-table.ts';
import type { Cause } from '../core/failure.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import {
  type OutlierEvidence,
  outlierEvidenceOf,
  ejected,
  type OutlierState,
  mayEject,
  afterSample,
  startProbation,
  probationSuccesses,
  trusted,
  windowMs,
} from '../policy/outlier-detection.ts';

export interface OutlierDetectorParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** The endpoints of an upstream by their checks alone; null for one that is not in force. */
  readonly checked: (upstream: UpstreamId) => EndpointsById | null;
  /** By which check: 'tcp', 'http', 'readiness', 'none'. */
  readonly checkOf: (upstream: UpstreamId) => string;
  /** Traffic has changed what is thought of one of its endpoints. */
  readonly onChange: (upstream: UpstreamId) => void;
}

type EndpointsById = ReadonlyMap<EndpointId, EndpointSnapshot>;

interface EndpointTraffic {
  readonly upstream: UpstreamId;
  health: OutlierState;
  /** What its failures were since they began, for the sentence. */
  causes: Map<Cause, number>;
  /** Why it is out, or would be. */
  reason: string;
  /** It is doubted and stays, since too many others are out; until then it is not said again. */
  outlierUntil: Instant | null;
  timer: Timer | null;
}

/** While an endpoint stays although it is doubted: how often it is looked at anew, and told again. */
const reviewAgainMs = windowMs;

/**
 * Main's judgement of endpoints by their traffic, laid over what checks say of them. It ejects an endpoint whose
 * checks pass while its requests fail, tells of the disagreement with figures, and lets it try again after a pause.
 */
export class OutlierDetector {
  readonly #parts: OutlierDetectorParts;
  /** Only endpoints that there are, and only those that traffic has been seen of. */
  readonly #tracked = new Map<EndpointId, EndpointTraffic>();

  constructor(parts: OutlierDetectorParts) {
    this.#parts = parts;
  }

  /** What attempts came to, from a worker's batch. */
  onOutcomes(outcomes: readonly EndpointOutcomes[]): void {
    const changed = new Set<UpstreamId>();
    for (const outcome of outcomes) if (this.#note(outcome)) changed.add(outcome.upstream as UpstreamId);
    for (const upstream of changed) this.#parts.onChange(upstream);
  }

  /** What checks say, corrected by traffic. */
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
      // A process that begins anew has done nothing wrong yet.
      if (endpoint === undefined || endpoint.state === 'starting') this.#forget(id, watched);
      else if (isPassing(endpoint)) this.#startProbation(endpoint, watched);
      else if (watched.health.state === 'trusted') watched.health = trusted(now, watched.health.ejections);
    }
  }

  stop(): void {
    for (const { timer } of this.#tracked.values()) timer?.cancel();
    this.#tracked.clear();
  }

  #forget(id: EndpointId, { timer }: EndpointTraffic): void {
    timer?.cancel();
    this.#tracked.delete(id);
  }

  /** Returns whether anything is thought of it now that was not before. */
  #note(outcome: EndpointOutcomes): boolean {
    const { clock, random, checked } = this.#parts;
    const upstream = outcome.upstream as UpstreamId;
    const endpoints = checked(upstream);
    const endpoint = endpoints?.get(outcome.endpoint as EndpointId);
    // One that is gone, or that checks have taken out, has nothing more to show.
    if (endpoints === null || endpoint === undefined || !isPassing(endpoint)) return false;
    const watched = this.#trackedOf(upstream, endpoint);
    // Attempts that began before a change say nothing of what came after it.
    if (stateOf(endpoint, watched.health) !== outcome.state) return false;
    const before = watched.health;
    const now = clock.now();
    watched.health = afterSample(before, outcome, now, random.next());
    noteCauses(watched, outcome);
    if (before.state === 'probation') return this.#judgeProbation(endpoint, watched, before);
    const evidence = outlierEvidenceOf(watched.health);
    if (evidence === null) return this.#clear(watched);
    return this.#onOutlier(endpoint, watched, evidence, endpoints);
  }

  #judgeProbation(endpoint: EndpointSnapshot, watched: EndpointTraffic, before: OutlierState): boolean {
    const { health } = watched;
    if (health.state === 'trusted') {
      this.#emitState(endpoint, 'probation', `it answered ${probationSuccesses} requests in a row`, endpoint.state);
      watched.causes.clear();
      watched.reason = '';
    } else if (health.state === 'ejected') {
      watched.reason = `a request of its trial failed (${commonestCause(watched.causes)})`;
      this.#emitDisagreement(endpoint, watched, 'probation', noEvidence);
      this.#scheduleProbation(watched);
    }
    return health.state !== before.state;
  }

  /** Traffic agrees with the checks again. */
  #clear(watched: EndpointTraffic): boolean {
    const wasOutlier = watched.outlierUntil !== null;
    watched.outlierUntil = null;
    if (watched.health.state === 'trusted' && watched.health.window.every(({ failures }) => failures === 0))
      watched.causes.clear();
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
    const passing = [...all.values()].filter(isPassing);
    const out = passing.filter(({ id }) => this.#isEjected(id)).length;
    watched.reason = outlierText(evidence, watched.causes);
    if (mayEject(passing.length, out)) {
      watched.health = ejected(watched.health, now, random.next());
      watched.outlierUntil = null;
      this.#emitDisagreement(endpoint, watched, endpoint.state, evidence);
      this.#scheduleProbation(watched);
      return true;
    }
    if (watched.outlierUntil !== null && now < watched.outlierUntil) return false;
    watched.outlierUntil = after(now, reviewAgainMs);
    this.#emitDisagreement(endpoint, watched, endpoint.state, evidence);
    return true;
  }

  #isEjected(id: EndpointId): boolean {
    const state = this.#tracked.get(id)?.health.state ?? 'trusted';
    return state !== 'trusted';
  }

  #scheduleProbation(watched: EndpointTraffic): void {
    const { clock } = this.#parts;
    if (watched.health.state !== 'ejected') return;
    watched.timer?.cancel();
    watched.timer = clock.schedule(
      watched.health.until,
      (due: { watch: OutlierDetector; upstream: UpstreamId }) => due.watch.#pauseIsOver(due.upstream),
      { watch: this as OutlierDetector, upstream: watched.upstream },
    );
  }

  #pauseIsOver(upstream: UpstreamId): void {
    this.checksChanged(upstream);
    this.#parts.onChange(upstream);
  }

  #startProbation(endpoint: EndpointSnapshot, watched: EndpointTraffic): void {
    const next = startProbation(watched.health, this.#parts.clock.now());
    if (next === watched.health) return;
    watched.health = next;
    watched.causes.clear();
    this.#emitState(endpoint, 'ejected', 'its pause is over and its checks pass: it is tried again', 'probation');
  }

  #trackedOf(upstream: UpstreamId, { id }: EndpointSnapshot): EndpointTraffic {
    const known = this.#tracked.get(id);
    if (known !== undefined) return known;
    const health = trusted(this.#parts.clock.now());
    const watched: EndpointTraffic = {
      upstream,
      health,
      causes: new Map(),
      reason: '',
      outlierUntil: null,
      timer: null,
    };
    this.#tracked.set(id, watched);
    return watched;
  }

  #adjustOne(endpoint: EndpointSnapshot): EndpointSnapshot {
    const watched = this.#tracked.get(endpoint.id);
    if (watched === undefined || !isPassing(endpoint)) return endpoint;
    const { health, reason: text, outlierUntil: doubtedUntil } = watched;
    const checks = checksText(endpoint);
    if (health.state === 'trusted') {
      const isOutlier = doubtedUntil !== null && this.#parts.clock.now() < doubtedUntil;
      return !isOutlier ? endpoint : { ...endpoint, reason: `${checks}, but ${text}; ${staysReason}` };
    }
    const sinceInstant = health.since;
    if (health.state === 'probation') {
      const reason = `on trial with one request at a time (${health.successes} of ${probationSuccesses} answered); before, ${text}`;
      return { ...endpoint, state: 'probation', reason, sinceInstant };
    }
    const pauseMs = health.until - health.since;
    const reason = `${checks}, but ${text}; out for ${Math.round(pauseMs / 1000)} s`;
    // By this Retry-After is computed: it gets requests again when the pause is over.
    const rhythm = { nextInstant: health.until, everyMs: pauseMs, passesNeeded: 1 };
    return { ...endpoint, state: 'ejected', reason, sinceInstant, checks: rhythm };
  }

  #emitDisagreement(
    endpoint: EndpointSnapshot,
    watched: EndpointTraffic,
    from: EndpointState,
    outlier: OutlierEvidence,
  ): void {
    const { health, reason, causes } = watched;
    const isOut = health.state === 'ejected';
    const pauseMs = isOut ? Math.round(health.until - health.since) : null;
    const then = pauseMs === null ? staysReason : `it gets no requests for ${Math.round(pauseMs / 1000)} s`;
    this.#parts.events.emit({
      kind: 'health_disagreement',
      subject: `endpoint:${endpoint.id}`,
      from,
      to: isOut ? 'ejected' : from,
      reason: `${checksText(endpoint)}, but ${reason}; ${then}`,
      evidence: {
        address: addressText(endpoint.address),
        check: this.#parts.checkOf(watched.upstream),
        requests: outlier.requests,
        failures: outlier.failures,
        windowMs: outlier.windowMs,
        consecutiveUnreachable: outlier.consecutiveUnreachable,
        causes: Object.fromEntries(causes),
        pauseMs,
      },
    });
  }

  #emitState(endpoint: EndpointSnapshot, from: EndpointState, reason: string, to: EndpointState): void {
    const evidence = { address: addressText(endpoint.address), check: 'traffic' };
    this.#parts.events.emit({ kind: 'endpoint_state', subject: `endpoint:${endpoint.id}`, from, to, reason, evidence });
  }
}

const noEvidence: OutlierEvidence = { requests: 0, failures: 1, windowMs, consecutiveUnreachable: 0 };

const staysReason = 'it stays, since too few others are left';

/** Whether it would get requests if checks alone decided. */
function isPassing({ state }: EndpointSnapshot): boolean {
  return state === 'healthy' || state === 'unchecked';
}

/** The state that workers have been told. */
function stateOf(endpoint: EndpointSnapshot, health: OutlierState): EndpointState {
  return health.state === 'trusted' ? endpoint.state : health.state;
}

function checksText({ state }: EndpointSnapshot): string {
  return state === 'unchecked' ? 'nobody checks it' : 'its checks pass';
}

function noteCauses({ causes }: EndpointTraffic, outcome: EndpointOutcomes): void {
  for (const { cause, count } of outcome.causes) {
    if (failureTable[cause].countsAgainstHealth) causes.set(cause, (causes.get(cause) ?? 0) + count);
  }
}

function outlierText(
  { requests, failures, windowMs, consecutiveUnreachable }: OutlierEvidence,
  causes: Map<Cause, number>,
): string {
  const mostly = `mostly ${commonestCause(causes)}`;
  return failures * 2 > requests && requests >= consecutiveUnreachable + 1
    ? `${failures} of ${requests} requests within ${windowMs / 1000} s failed (${mostly})`
    : `${consecutiveUnreachable} connections in a row could not be made (${mostly})`;
}

/** The commonest of the causes. */
function commonestCause(causes: ReadonlyMap<Cause, number>): string {
  const [worst] = [...causes].sort(([, a], [, b]) => b - a);
  return worst === undefined ? 'nothing that is known' : worst[0];
}
