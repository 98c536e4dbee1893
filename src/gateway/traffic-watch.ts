import { addressText, type EndpointId, type EndpointState, type UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import { failureTable } from '../core/failure-table.ts';
import type { Cause } from '../core/failure.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import {
  type Doubt,
  doubtOf,
  ejected,
  type LiveHealth,
  mayEject,
  noted,
  tried,
  trialSuccesses,
  trusted,
  windowMs,
} from '../policy/live-health.ts';

export interface TrafficWatchParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** The endpoints of an upstream by their checks alone; null for one that is not in force. */
  readonly checked: (upstream: UpstreamId) => Endpoints | null;
  /** By which check: 'tcp', 'http', 'readiness', 'none'. */
  readonly checkOf: (upstream: UpstreamId) => string;
  /** Traffic has changed what is thought of one of its endpoints. */
  readonly onChange: (upstream: UpstreamId) => void;
}

type Endpoints = ReadonlyMap<EndpointId, EndpointSnapshot>;

interface Watched {
  readonly upstream: UpstreamId;
  health: LiveHealth;
  /** What its failures were since they began, for the sentence. */
  causes: Map<Cause, number>;
  /** Why it is out, or would be. */
  says: string;
  /** It is doubted and stays, since too many others are out; until then it is not said again. */
  doubtedUntil: Instant | null;
  timer: Timer | null;
}

/** While an endpoint stays although it is doubted: how often it is looked at anew, and told again. */
const doubtAgainMs = windowMs;

/**
 * Main's judgement of endpoints by their traffic, laid over what checks say of them. It ejects an endpoint whose
 * checks pass while its requests fail, tells of the disagreement with figures, and lets it try again after a pause.
 */
export class TrafficWatch {
  readonly #parts: TrafficWatchParts;
  /** Only endpoints that there are, and only those that traffic has been seen of. */
  readonly #watched = new Map<EndpointId, Watched>();

  constructor(parts: TrafficWatchParts) {
    this.#parts = parts;
  }

  /** What attempts came to, from a worker's batch. */
  heard(outcomes: readonly EndpointOutcomes[]): void {
    const changed = new Set<UpstreamId>();
    for (const outcome of outcomes) if (this.#note(outcome)) changed.add(outcome.upstream as UpstreamId);
    for (const upstream of changed) this.#parts.onChange(upstream);
  }

  /** What checks say, corrected by traffic. */
  seen(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    if (this.#watched.size === 0) return endpoints;
    return endpoints.map((endpoint) => this.#seenOne(endpoint));
  }

  /** The endpoints of an upstream, or what their checks say, have changed. */
  checksChanged(upstream: UpstreamId): void {
    const endpoints = this.#parts.checked(upstream);
    const now = this.#parts.clock.now();
    for (const [id, watched] of this.#watched) {
      if (watched.upstream !== upstream) continue;
      const endpoint = endpoints?.get(id);
      // A process that begins anew has done nothing wrong yet.
      if (endpoint === undefined || endpoint.state === 'starting') this.#forget(id, watched);
      else if (isPassing(endpoint)) this.#try(endpoint, watched);
      else if (watched.health.state === 'trusted') watched.health = trusted(now, watched.health.ejections);
    }
  }

  stop(): void {
    for (const { timer } of this.#watched.values()) timer?.cancel();
    this.#watched.clear();
  }

  #forget(id: EndpointId, { timer }: Watched): void {
    timer?.cancel();
    this.#watched.delete(id);
  }

  /** Returns whether anything is thought of it now that was not before. */
  #note(outcome: EndpointOutcomes): boolean {
    const { clock, random, checked } = this.#parts;
    const upstream = outcome.upstream as UpstreamId;
    const endpoints = checked(upstream);
    const endpoint = endpoints?.get(outcome.endpoint as EndpointId);
    // One that is gone, or that checks have taken out, has nothing more to show.
    if (endpoints === null || endpoint === undefined || !isPassing(endpoint)) return false;
    const watched = this.#watchedOf(upstream, endpoint);
    // Attempts that began before a change say nothing of what came after it.
    if (stateOf(endpoint, watched.health) !== outcome.state) return false;
    const before = watched.health;
    const now = clock.now();
    watched.health = noted(before, outcome, now, random.next());
    noteCauses(watched, outcome);
    if (before.state === 'on_trial') return this.#judgeTrial(endpoint, watched, before);
    const doubt = doubtOf(watched.health);
    if (doubt === null) return this.#clear(watched);
    return this.#doubt(endpoint, watched, doubt, endpoints);
  }

  #judgeTrial(endpoint: EndpointSnapshot, watched: Watched, before: LiveHealth): boolean {
    const { health } = watched;
    if (health.state === 'trusted') {
      this.#tellState(endpoint, 'on_trial', `it answered ${trialSuccesses} requests in a row`, endpoint.state);
      watched.causes.clear();
      watched.says = '';
    } else if (health.state === 'ejected') {
      watched.says = `a request of its trial failed (${worstOf(watched.causes)})`;
      this.#tellDisagreement(endpoint, watched, 'on_trial', noDoubt);
      this.#awaitTrial(watched);
    }
    return health.state !== before.state;
  }

  /** Traffic agrees with the checks again. */
  #clear(watched: Watched): boolean {
    const wasDoubted = watched.doubtedUntil !== null;
    watched.doubtedUntil = null;
    if (watched.health.state === 'trusted' && watched.health.window.every(({ failures }) => failures === 0))
      watched.causes.clear();
    return wasDoubted;
  }

  #doubt(endpoint: EndpointSnapshot, watched: Watched, doubt: Doubt, all: Endpoints): boolean {
    const { clock, random } = this.#parts;
    const now = clock.now();
    const passing = [...all.values()].filter(isPassing);
    const out = passing.filter(({ id }) => this.#isOut(id)).length;
    watched.says = doubtText(doubt, watched.causes);
    if (mayEject(passing.length, out)) {
      watched.health = ejected(watched.health, now, random.next());
      watched.doubtedUntil = null;
      this.#tellDisagreement(endpoint, watched, endpoint.state, doubt);
      this.#awaitTrial(watched);
      return true;
    }
    if (watched.doubtedUntil !== null && now < watched.doubtedUntil) return false;
    watched.doubtedUntil = after(now, doubtAgainMs);
    this.#tellDisagreement(endpoint, watched, endpoint.state, doubt);
    return true;
  }

  #isOut(id: EndpointId): boolean {
    const state = this.#watched.get(id)?.health.state ?? 'trusted';
    return state !== 'trusted';
  }

  #awaitTrial(watched: Watched): void {
    const { clock } = this.#parts;
    if (watched.health.state !== 'ejected') return;
    watched.timer?.cancel();
    watched.timer = clock.schedule(
      watched.health.until,
      (due: { watch: TrafficWatch; upstream: UpstreamId }) => due.watch.#pauseIsOver(due.upstream),
      { watch: this as TrafficWatch, upstream: watched.upstream },
    );
  }

  #pauseIsOver(upstream: UpstreamId): void {
    this.checksChanged(upstream);
    this.#parts.onChange(upstream);
  }

  #try(endpoint: EndpointSnapshot, watched: Watched): void {
    const next = tried(watched.health, this.#parts.clock.now());
    if (next === watched.health) return;
    watched.health = next;
    watched.causes.clear();
    this.#tellState(endpoint, 'ejected', 'its pause is over and its checks pass: it is tried again', 'on_trial');
  }

  #watchedOf(upstream: UpstreamId, { id }: EndpointSnapshot): Watched {
    const known = this.#watched.get(id);
    if (known !== undefined) return known;
    const health = trusted(this.#parts.clock.now());
    const watched: Watched = { upstream, health, causes: new Map(), says: '', doubtedUntil: null, timer: null };
    this.#watched.set(id, watched);
    return watched;
  }

  #seenOne(endpoint: EndpointSnapshot): EndpointSnapshot {
    const watched = this.#watched.get(endpoint.id);
    if (watched === undefined || !isPassing(endpoint)) return endpoint;
    const { health, says, doubtedUntil } = watched;
    const checks = checksText(endpoint);
    if (health.state === 'trusted') {
      const isDoubted = doubtedUntil !== null && this.#parts.clock.now() < doubtedUntil;
      return !isDoubted ? endpoint : { ...endpoint, reason: `${checks}, but ${says}; ${stays}` };
    }
    const sinceInstant = health.since;
    if (health.state === 'on_trial') {
      const reason = `on trial with one request at a time (${health.successes} of ${trialSuccesses} answered); before, ${says}`;
      return { ...endpoint, state: 'on_trial', reason, sinceInstant };
    }
    const pauseMs = health.until - health.since;
    const reason = `${checks}, but ${says}; out for ${Math.round(pauseMs / 1000)} s`;
    // By this Retry-After is computed: it gets requests again when the pause is over.
    const rhythm = { nextInstant: health.until, everyMs: pauseMs, passesNeeded: 1 };
    return { ...endpoint, state: 'ejected', reason, sinceInstant, checks: rhythm };
  }

  #tellDisagreement(endpoint: EndpointSnapshot, watched: Watched, from: EndpointState, doubt: Doubt): void {
    const { health, says, causes } = watched;
    const isOut = health.state === 'ejected';
    const pauseMs = isOut ? Math.round(health.until - health.since) : null;
    const then = pauseMs === null ? stays : `it gets no requests for ${Math.round(pauseMs / 1000)} s`;
    this.#parts.events.tell({
      kind: 'health_disagreement',
      subject: `endpoint:${endpoint.id}`,
      from,
      to: isOut ? 'ejected' : from,
      reason: `${checksText(endpoint)}, but ${says}; ${then}`,
      evidence: {
        address: addressText(endpoint.address),
        check: this.#parts.checkOf(watched.upstream),
        requests: doubt.requests,
        failures: doubt.failures,
        windowMs: doubt.windowMs,
        unreachableInRow: doubt.unreachableInRow,
        causes: Object.fromEntries(causes),
        pauseMs,
      },
    });
  }

  #tellState(endpoint: EndpointSnapshot, from: EndpointState, reason: string, to: EndpointState): void {
    const evidence = { address: addressText(endpoint.address), check: 'traffic' };
    this.#parts.events.tell({ kind: 'endpoint_state', subject: `endpoint:${endpoint.id}`, from, to, reason, evidence });
  }
}

const noDoubt: Doubt = { requests: 0, failures: 1, windowMs, unreachableInRow: 0 };

const stays = 'it stays, since too few others are left';

/** Whether it would get requests if checks alone decided. */
function isPassing({ state }: EndpointSnapshot): boolean {
  return state === 'healthy' || state === 'unchecked';
}

/** The state that workers have been told. */
function stateOf(endpoint: EndpointSnapshot, health: LiveHealth): EndpointState {
  return health.state === 'trusted' ? endpoint.state : health.state;
}

function checksText({ state }: EndpointSnapshot): string {
  return state === 'unchecked' ? 'nobody checks it' : 'its checks pass';
}

function noteCauses({ causes }: Watched, outcome: EndpointOutcomes): void {
  for (const { cause, count } of outcome.causes) {
    if (failureTable[cause].countsAgainstHealth) causes.set(cause, (causes.get(cause) ?? 0) + count);
  }
}

function doubtText({ requests, failures, windowMs, unreachableInRow }: Doubt, causes: Map<Cause, number>): string {
  const mostly = `mostly ${worstOf(causes)}`;
  return failures * 2 > requests && requests >= unreachableInRow + 1
    ? `${failures} of ${requests} requests within ${windowMs / 1000} s failed (${mostly})`
    : `${unreachableInRow} connections in a row could not be made (${mostly})`;
}

/** The commonest of the causes. */
function worstOf(causes: ReadonlyMap<Cause, number>): string {
  const [worst] = [...causes].sort(([, a], [, b]) => b - a);
  return worst === undefined ? 'nothing that is known' : worst[0];
}
