import type { ExchangeCount } from '../../core/counters.ts';
import type { EndpointState } from '../../core/endpoint.ts';
import type { Event } from '../../core/event.ts';
import type { EndpointOutcomes } from '../../core/outcome.ts';
import type { FailureFamily, IncidentSuspect, LiveIncident } from '../../core/live-incident.ts';
import { OpenIncident } from './open-incident.ts';
import type { DirectLook, WatchedUpstream } from './watched-upstream.ts';
import type { SuspectContext } from './suspect-facts.ts';
import { rankSuspects } from './suspects.ts';
import { SlidingSeconds } from './sliding-seconds.ts';
import { UpstreamFailures } from './upstream-failures.ts';

/** What workers have counted since the last time. */
export interface CountedTraffic {
  readonly exchanges: readonly ExchangeCount[];
  readonly outcomes: readonly EndpointOutcomes[];
  /** Requests that failed on a connection that the endpoint was closing. */
  readonly staleReusesFailed: number;
}

export interface IncidentChange {
  readonly kind: 'opened' | 'grown' | 'resolved';
  readonly incident: LiveIncident;
}

/** The number of an incident that opens. */
export interface IncidentNumber {
  readonly id: number;
  /** Failures that an earlier process has counted of it; 0: it is new. */
  readonly sizeBefore: number;
}

/** `ms`: when it came. Its own time is a wall clock's, which may jump. */
interface SeenEvent {
  readonly event: Event;
  readonly ms: number;
}

/** Bounds of memory: an upstream takes some 10 KiB, an incident less. */
const upstreamsMax = 1000;
const resolvedMax = 200;
const openMax = 100;

/** Longer than a change before an incident is suspected (180 s), since its first failures may be found minutes later. */
const eventsKeptS = 900;
const eventsMax = 2000;

/** Reported again when it has this many times the failures. */
const growthTimes = 10;

/** Without a request for this long, an incident is over, or cannot be told from one that is. */
const silentS = 300;

/** So long after the last failure, events are still looked at: an exit is reported later than the failures that follow from it. */
const lateS = 5;

/**
 * Finds incidents while they happen: failures of an upstream that are more than usual, from their first to their last, with
 * what probably has caused them.
 *
 * Reads what workers have counted and the events of the gateway; knows time only by its parameters.
 */
export class IncidentTracker {
  readonly #beganAt: number;
  readonly #upstreams = new Map<string, UpstreamFailures>();
  readonly #open: OpenIncident[] = [];
  readonly #staleReuses = new SlidingSeconds();
  #resolved: LiveIncident[] = [];
  #events: SeenEvent[] = [];
  readonly #numberOf: (upstream: string, family: FailureFamily) => IncidentNumber;
  #judged = 0;

  /** `wallMs`: now. Instants below are milliseconds since then; they never go back. `numberOf`: of an incident; absent: from 1. */
  constructor(wallMs: number, numberOf?: (upstream: string, family: FailureFamily) => IncidentNumber) {
    this.#beganAt = wallMs;
    let lastId = 0;
    this.#numberOf = numberOf ?? (() => ({ id: (lastId += 1), sizeBefore: 0 }));
  }

  note({ exchanges, outcomes, staleReusesFailed }: CountedTraffic, ms: number): void {
    const second = secondOf(ms);
    for (const counted of exchanges) this.#addExchanges(counted, second);
    for (const counted of outcomes) this.#addOutcomes(counted, second);
    if (staleReusesFailed > 0) this.#staleReuses.add(second, staleReusesFailed);
  }

  onEvent(event: Event, ms: number): void {
    if (isOwn(event)) return;
    this.#events.push({ event, ms });
    if (this.#events.length > eventsMax) this.#events = this.#events.slice(eventsMax / 2);
  }

  /** What a look at an endpoint of an incident has met: it takes part in the ranking from now on. */
  onLook(id: number, look: DirectLook): void {
    const open = this.#open.find((one) => one.id === id);
    if (open !== undefined) open.directLook = look;
  }

  /** Judges the seconds that are over. At most one call a second does something. */
  judge(ms: number, watched: (upstream: string) => WatchedUpstream): readonly IncidentChange[] {
    const second = secondOf(ms) - 1;
    if (second <= this.#judged) return [];
    const from = this.#judged + 1;
    this.#judged = second;
    const changes: IncidentChange[] = [];
    for (const [upstream, failures] of this.#upstreams) {
      this.#openAt(failures, from, second, ms);
      failures.forget(second, this.#incidentsAt(failures.upstream).length === 0);
      if (failures.isSilent && this.#incidentsAt(upstream).length === 0) this.#upstreams.delete(upstream);
    }
    for (const open of [...this.#open]) {
      const change = this.#follow(open, from, second, ms, watched(open.upstream));
      if (change !== null) changes.push(change);
    }
    this.#forgetEvents(ms);
    return changes;
  }

  /** Those that go on, then those that are over, each the latest first. */
  list(ms: number): readonly LiveIncident[] {
    const open = this.#open.map((one) => one.facts(this.#wall(ms), this.#beganAt, null));
    return [...open.reverse(), ...this.#resolved.toReversed()];
  }

  #wall(ms: number): number {
    return this.#beganAt + ms;
  }

  #addExchanges(counted: ExchangeCount, second: number): void {
    this.#failuresOf(counted.upstream, second)?.addExchanges(counted, second);
  }

  #addOutcomes(outcomes: EndpointOutcomes, second: number): void {
    this.#failuresOf(outcomes.upstream, second)?.addOutcomes(outcomes, second);
  }

  #failuresOf(upstream: string, second: number): UpstreamFailures | null {
    const known = this.#upstreams.get(upstream);
    if (known !== undefined) return known;
    if (this.#upstreams.size >= upstreamsMax) return null;
    const failures = new UpstreamFailures(upstream, second);
    this.#upstreams.set(upstream, failures);
    return failures;
  }

  #incidentsAt(upstream: string): readonly OpenIncident[] {
    return this.#open.length === 0 ? this.#open : this.#open.filter((one) => one.upstream === upstream);
  }

  #openAt(failures: UpstreamFailures, from: number, second: number, ms: number): void {
    for (const [family, window] of failures.families) {
      if (this.#incidentsAt(failures.upstream).some((one) => one.families.has(family))) continue;
      if (!window.opens(second, second - failures.firstSecond, failures.requests, failures.attempts)) continue;
      const start = window.begin(second, failures.requests);
      const incident = this.#incidentFor(failures, family, start, from, ms);
      if (incident !== null) addEarlier(incident, failures, family, from);
    }
  }

  /** The incident that the failures of a family belong to, or a new one; null where there are too many. */
  #incidentFor(
    failures: UpstreamFailures,
    family: FailureFamily,
    start: number,
    from: number,
    ms: number,
  ): OpenIncident | null {
    const { upstream, requests } = failures;
    const known = this.#incidentsAt(upstream).find((one) => one.takes(family, start));
    if (known !== undefined) {
      known.take(family);
      return known;
    }
    if (this.#open.length >= openMax) return null;
    const { id, sizeBefore } = this.#numberOf(upstream, family);
    const incident = new OpenIncident(id, upstream, family, start, this.#wall(ms), failures.rateBefore(start));
    incident.sizeBefore = sizeBefore;
    incident.steadyRateBefore = failures.steadyRateBefore(start);
    incident.staleReusesFailed = this.#staleReuses.sum(from - 1, Math.min(60, from - start));
    incident.requests = requests.sum(from - 1, Math.min(60, from - start));
    this.#open.push(incident);
    return incident;
  }

  #follow(
    open: OpenIncident,
    from: number,
    second: number,
    ms: number,
    watched: WatchedUpstream,
  ): IncidentChange | null {
    const failures = this.#upstreams.get(open.upstream);
    if (failures === undefined) return null;
    for (const delta of failures.failures) if (isBetween(delta, from, second)) open.count(delta);
    for (const delta of failures.endpointDeltas) if (isBetween(delta, from, second)) open.countEndpoint(delta);
    open.requests += failures.requests.sum(second, second - from + 1);
    open.staleReusesFailed += this.#staleReuses.sum(second, second - from + 1);
    const isOver = this.#isOver(open, failures, second) && !isDown(watched);
    const facts = open.facts(this.#wall(ms), this.#beganAt, isOver ? this.#wall(ms) : null);
    const quietFor = second - open.lastSecond;
    const seen = open.seenEndpoints.see(watched);
    if (quietFor <= lateS) {
      const found = rankSuspects(this.#contextOf(facts, open, failures, seen));
      open.suspects = quietFor === 0 ? found : withEarlier(found, open.suspects);
    }
    const incident = { ...facts, suspects: open.suspects };
    if (isOver) {
      this.#open.splice(this.#open.indexOf(open), 1);
      this.#resolved = [...this.#resolved, incident].slice(-resolvedMax);
      return { kind: 'resolved', incident };
    }
    const size = open.size + open.sizeBefore;
    const kind = open.reported === 0 ? 'opened' : size >= open.reported * growthTimes ? 'grown' : null;
    if (kind === null) return null;
    open.reported = Math.max(1, size);
    return { kind, incident };
  }

  #isOver(open: OpenIncident, failures: UpstreamFailures, second: number): boolean {
    if (second - open.lastSecond > silentS) return true;
    if (open.reported === 0) return false;
    const everyS = (open.lastSecond - open.startSecond + 1) / Math.max(1, open.size);
    return [...open.families].every(
      (family) => failures.families.get(family)?.isOver(second, open.startSecond, everyS, failures.requests) ?? true,
    );
  }

  #contextOf(
    incident: LiveIncident,
    open: OpenIncident,
    { usualDurations, slowDurations }: UpstreamFailures,
    watched: WatchedUpstream,
  ): SuspectContext {
    return {
      incident,
      watched,
      events: this.#events.map(({ event, ms }) => ({ event, afterMs: ms - open.startSecond * 1000 })),
      usualDurations,
      slowDurations,
      staleReusesFailed: open.staleReusesFailed,
      steadyRateBefore: open.steadyRateBefore,
      directLook: open.directLook,
    };
  }

  #forgetEvents(ms: number): void {
    const oldest = ms - eventsKeptS * 1000;
    // An incident that goes on keeps what came before it.
    if (this.#open.length === 0 && (this.#events[0]?.ms ?? oldest) < oldest)
      this.#events = this.#events.filter((seen) => seen.ms >= oldest);
  }
}

/** Failures and attempts of the seconds before `from`, since the incident started. */
function addEarlier(incident: OpenIncident, failures: UpstreamFailures, family: FailureFamily, from: number): void {
  for (const delta of failures.failures) if (delta.second < from && delta.family === family) incident.count(delta);
  if (incident.families.size > 1) return;
  for (const delta of failures.endpointDeltas) if (delta.second < from) incident.countEndpoint(delta);
}

/** Requests that have stopped coming say nothing of an upstream whose checks go on failing. */
function isDown({ endpoints }: WatchedUpstream): boolean {
  return endpoints.length > 0 && endpoints.every(({ state }) => downStates.has(state));
}

const downStates = new Set<string>(['unhealthy', 'starting', 'gone'] satisfies readonly EndpointState[]);

/** What was true while requests failed stays suspected. */
function withEarlier(
  found: readonly IncidentSuspect[],
  earlier: readonly IncidentSuspect[],
): readonly IncidentSuspect[] {
  const names = new Set(earlier.map(({ name }) => name));
  return [...earlier, ...found.filter(({ name }) => !names.has(name))].sort((a, b) => b.fit - a.fit);
}

const isBetween = ({ second }: { readonly second: number }, from: number, to: number): boolean =>
  second >= from && second <= to;

const secondOf = (ms: number): number => Math.floor(ms / 1000);

/** Incidents do not explain incidents. */
const isOwn = ({ kind }: Event): boolean => kind.startsWith('incident_');
