import type { ExchangeCount } from '../core/counters.ts';
import type { Event } from '../core/event.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { FailureFamily, IncidentSuspect, LiveIncident, SuspectKind } from '../core/live-incident.ts';
import { AdditionWatch, familyOfChecks, KeptEvents } from './addition-watch.ts';
import { type PrintedLine, RecentErrorBodies } from './application-words.ts';
import { EarlierFailuresOfUpstreams } from './earlier-failures.ts';
import { familyOf, familyOfCause } from './failure-family.ts';
import { suspectsWhileFailing, withEarlierSuspects, rankSuspects } from './suspects.ts';
import { OpenIncident } from './open-incident.ts';
import { incidentFacts, ownFacts } from './incident-facts.ts';
import type { SuspectContext } from './suspect-facts.ts';
import { hasEnded, silentS } from './incident-end.ts';
import { suspectContext } from './suspect-context.ts';
import type { WorkerTraffic } from './worker-traffic.ts';
import { Beginnings, ledTo } from './beginnings.ts';
import { changeOf, type IncidentChange, type IncidentNumber, noteOpening } from './incident-change.ts';
import { MovedPaths } from './moved-paths.ts';
import { LastChange } from './what-is-over.ts';
import { ResolvedIncidents } from './resolved-incidents.ts';
import { askedService } from './asked-service.ts';
import { type SharedFault, sharedFaultOf, sharedFaults } from './shared-fault.ts';
import { RefusedRequests } from './refused-requests.ts';
import { certainShare, rarerFailures } from './rarer-failures.ts';
import { RouteAnswers } from './route-answers.ts';
import { type HasServed, SeenReleases } from './seen-releases.ts';
import { SlidingSeconds } from './family-window.ts';
import { UpstreamFailures } from './upstream-failures.ts';
import { type DirectLook, type NewestFailure, type WatchedUpstream, watchedTogether } from './watched-upstream.ts';

/** Bounds of memory: an upstream takes some 10 KiB, an incident less. */
const upstreamsMax = 1000;
const openMax = 100;

/** So long after the last failure, events are still looked at: an exit is reported later than the failures that follow from it. */
const lateS = 5;

/** Retries of clients are looked at over so long a time. */
const retriesS = 10;

/** Workers report failures within 100 ms. The main thread may be busy; a clock that was set says nothing. */
const lagMaxMs = 10_000;

/**
 * Finds incidents while they happen: failures of an upstream that are more than usual, from their first to their last, with
 * what probably has caused them. Those of several upstreams are one incident where what the upstreams share has failed.
 *
 * Reads what workers have counted and the events of the gateway; knows time only by its parameters.
 */
export class IncidentTracker {
  #beganAt: number;
  readonly #upstreams = new Map<string, UpstreamFailures>();
  readonly #open: OpenIncident[] = [];
  readonly #staleReuses = new SlidingSeconds();
  readonly #resolved = new ResolvedIncidents();
  readonly #additions = new AdditionWatch();
  readonly #events = new KeptEvents();
  readonly #releases = new SeenReleases();
  readonly #errorBodies = new RecentErrorBodies();
  readonly #earlier = new EarlierFailuresOfUpstreams();
  readonly #numberOf: (upstream: string, family: FailureFamily) => IncidentNumber;
  readonly #refused = new RefusedRequests();
  readonly #moved = new MovedPaths();
  readonly #lastChange = new LastChange();
  readonly #answers = new RouteAnswers(this.#lastChange);
  readonly #beginnings = new Beginnings(this.#answers);
  #judged = 0;

  /** `wallMs`: now. Instants below are milliseconds since then; they never go back. `numberOf`: of an incident; absent: from 1. */
  constructor(wallMs: number, numberOf?: (upstream: string, family: FailureFamily) => IncidentNumber) {
    this.#beganAt = wallMs;
    let lastId = 0;
    this.#numberOf = numberOf ?? (() => ({ id: (lastId += 1), sizeBefore: 0 }));
  }

  /** `wallMs`: of the clock by which workers say when the first failure came. */
  note(
    { exchanges, outcomes, routes = [], responses = [], errorBodies = [], staleReusesFailed }: WorkerTraffic,
    ms: number,
    wallMs = this.#wall(ms),
  ): void {
    const firstMs = (at: number | undefined): number =>
      at === undefined ? ms : ms - Math.min(lagMaxMs, Math.max(0, wallMs - at));
    this.#noteFailures(exchanges, outcomes, secondOf(ms));
    for (const counted of exchanges) this.#addExchanges(counted, ms, firstMs(counted.firstEndedAt));
    for (const counted of routes) {
      this.#failuresOf(counted.upstream, secondOf(ms))?.addRoute(counted, secondOf(ms), ms);
      if (counted.answered > counted.serverErrors) this.#refused.noteServed(counted.route, secondOf(ms));
    }
    for (const counted of responses) this.#failuresOf(counted.upstream, secondOf(ms))?.addResponses(counted, ms);
    for (const counted of outcomes) this.#addOutcomes(counted, ms, firstMs(counted.firstFailedAt));
    this.#errorBodies.add(errorBodies, wallMs);
    const second = secondOf(ms);
    if (staleReusesFailed > 0) this.#staleReuses.add(second, staleReusesFailed);
  }

  get hasServed(): HasServed {
    return this.#releases.hasServed;
  }

  onEvent(event: Event, ms: number): void {
    // Instants stay as they are; what goes on and what begins later has times of the clock as it is now.
    if (event.kind === 'clock_changed') this.#beganAt += event.evidence.movedMs;
    this.#events.add(event, ms);
    this.#releases.onEvent(event, ms);
    this.#lastChange.onEvent(event.kind, secondOf(ms));
    if (event.kind === 'configuration_applied') {
      this.#refused.onApplied(ms);
      this.#moved.onApplied(secondOf(ms));
    }
    if (event.kind === 'health_disagreement' && event.evidence.pauseMs !== null)
      this.#beginnings.noteEjection(event.subject, ms);
  }

  /** What a look at an endpoint of an incident has met, and its newest stored failure: they take part in the ranking from now on. */
  onLook(id: number, look: DirectLook | null, newest: NewestFailure | null): void {
    const open = this.#open.find((one) => one.id === id);
    if (open === undefined) return;
    open.directLook = look ?? open.directLook;
    open.newestFailure = newest ?? open.newestFailure;
  }

  /** What the application of an incident has printed, the oldest first. */
  onPrinted(id: number, lines: readonly PrintedLine[]): void {
    this.#open.find((one) => one.id === id)?.words.addPrinted(lines);
  }

  /** Judges the seconds that are over. At most one call a second does something. */
  judge(ms: number, watched: (upstream: string) => WatchedUpstream): readonly IncidentChange[] {
    const second = secondOf(ms) - 1;
    if (second <= this.#judged) return [];
    const from = this.#judged + 1;
    this.#judged = second;
    const changes: IncidentChange[] = [];
    let routes = 0;
    for (const { rates } of this.#upstreams.values()) routes += rates.size;
    this.#openRefused(second, from, ms);
    for (const [upstream, failures] of this.#upstreams) {
      const sendsByChance = (): boolean => watched(upstream).sendsByChance === true;
      const judged = { from, second, routes, sendsByChance, open: () => this.#incidentsAt(upstream) };
      for (const { family, second: begin, turned } of this.#beginnings.at(failures, judged))
        if (turned === null) this.#openFrom(failures, family, begin, from, ms);
        else turned.addEarlier(failures, [family], from);
      const open = this.#incidentsAt(upstream);
      failures.forget(second, open.length === 0);
      failures.latencies.settle(second, open.length === 0);
      failures.parts.settle(second, open.length === 0);
      failures.bodies.settle(second, open.length === 0);
      failures.rates.settle(second, new Set(open.flatMap(({ families }) => [...families])));
      if (failures.isSilent && this.#incidentsAt(upstream).length === 0) this.#upstreams.delete(upstream);
    }
    this.#beginnings.forgetEjections();
    this.#answers.settle(second, (upstream) => this.#incidentsAt(upstream).length === 0);
    for (const open of this.#open) this.#count(open, from, second);
    changes.push(...this.#joinShared(ms, watched), ...this.#joinAsking(ms));
    for (const open of [...this.#open]) {
      // It may have ended with another one.
      if (!this.#open.includes(open)) continue;
      const change = this.#follow(open, from, second, ms, watchedTogether(open.upstreams.map(watched)));
      if (change !== null) changes.push(change);
    }
    // An incident that goes on keeps what came before it.
    if (this.#open.length === 0) this.#events.forget(ms);
    return changes;
  }

  /** Those that go on, then those that are over, each the latest first. */
  list(ms: number): readonly LiveIncident[] {
    const own = this.#open.filter(({ partOf }) => partOf === null);
    const open = own.map((one) => incidentFacts(one, this.#wall(ms), this.#beganAt, null));
    return [...open.reverse(), ...this.#resolved.newestFirst];
  }

  #wall(ms: number): number {
    return this.#beganAt + ms;
  }

  /** What comes with a failure counts as coming since then: workers report ten times a second. */
  #noteFailures(exchanges: WorkerTraffic['exchanges'], outcomes: WorkerTraffic['outcomes'], second: number): void {
    for (const { upstream, cause, shape } of exchanges)
      if (familyOf(cause, shape) !== null) this.#failuresOf(upstream, second)?.noteFailure(second);
    for (const { upstream, serverErrors, causes } of outcomes)
      if (serverErrors > 0 || causes.some(({ cause }) => familyOfCause(cause) !== null))
        this.#failuresOf(upstream, second)?.noteFailure(second);
  }

  #addExchanges(counted: ExchangeCount, ms: number, firstMs: number): void {
    const second = secondOf(ms);
    this.#failuresOf(counted.upstream, second)?.addExchanges(counted, second, firstMs);
    const refused = this.#refused.add(counted, second);
    if (refused !== null) {
      const { count, client = '', clients = [] } = counted;
      const [only = null, ...others] =
        clients.length === 0 && client !== '' ? [client] : clients.map((one) => one.client);
      const of = { second, firstMs, count, client: others.length === 0 ? only : null };
      this.#failuresOf(refused.upstream, second)?.addRefused(refused, of);
    } else if (this.#refused.isOpenWithoutRoute) this.#failuresOf('', second)?.addBeside(second, counted.count);
    if (counted.shape !== 'client_abort') this.#earlier.count(counted.upstream, counted.count, second * 1000);
  }

  #addOutcomes(outcomes: EndpointOutcomes, ms: number, firstMs: number): void {
    const second = secondOf(ms);
    const failures = this.#failuresOf(outcomes.upstream, second);
    if (failures === null) return;
    failures.addOutcomes(outcomes, second, firstMs);
    this.#releases.count(outcomes, ms);
  }

  #failuresOf(upstream: string, second: number): UpstreamFailures | null {
    const known = this.#upstreams.get(upstream);
    if (known !== undefined) return known;
    if (this.#upstreams.size >= upstreamsMax) return null;
    const failures = new UpstreamFailures(upstream, second, this.#answers, this.#moved, this.#lastChange);
    this.#upstreams.set(upstream, failures);
    return failures;
  }

  #incidentsAt(upstream: string): readonly OpenIncident[] {
    return this.#open.length === 0 ? this.#open : this.#open.filter((one) => one.isAt(upstream));
  }

  /** What a new configuration refuses. */
  #openRefused(second: number, from: number, ms: number): void {
    this.#refused.close(
      ({ upstream, family }) => !this.#incidentsAt(upstream).some(({ families }) => families.has(family)),
    );
    for (const { kind, refused } of this.#refused.judge(second)) {
      const failures = this.#failuresOf(kind.upstream, second);
      const [first] = refused;
      if (failures === null || first === undefined) continue;
      for (const one of refused) failures.addRefused(kind, one);
      this.#openFrom(failures, kind.family, first.second, from, ms);
    }
  }

  #openFrom(failures: UpstreamFailures, family: FailureFamily, start: number, from: number, ms: number): void {
    const incident = this.#incidentFor(failures, family, start, from, ms);
    if (incident === null) return;
    if (incident.size > 0) return incident.addEarlier(failures, [family], from);
    incident.addEarlier(failures, [...incident.families], from);
    for (const delta of failures.endpointDeltas) if (delta.second < from) incident.countEndpoint(delta);
    incident.countOfRoutes(failures, incident.startSecond, from - 1);
  }

  /** The incident that the failures of a family belong to, or a new one; null where there are too many. */
  #incidentFor(
    failures: UpstreamFailures,
    family: FailureFamily,
    begin: number,
    from: number,
    ms: number,
  ): OpenIncident | null {
    const { upstream, requests } = failures;
    const taking = this.#incidentsAt(upstream).filter((one) => one.takes(family, begin));
    // The application's own 5xx take no endpoints out.
    const known = taking.find(({ root }) => root !== 'application') ?? taking[0];
    if (known !== undefined) {
      known.take(family, begin);
      return known;
    }
    if (this.#open.length >= openMax) return null;
    const led = ledTo(failures, family, begin);
    const start = led?.second ?? begin;
    const incident = new OpenIncident(upstream, family, start, this.#wall(ms), failures.requests.rateBefore(start));
    if (led !== null) incident.take(led.family, start);
    incident.steadyRateBefore = failures.requests.steadyRateBefore(start);
    const { rates } = failures;
    incident.retriedBefore = rates.mostRetried(rates.names, start - 1, retriesS);
    incident.staleReusesFailed = this.#staleReuses.sum(from - 1, Math.min(60, from - start));
    incident.countRequests(failures, start, from - 1);
    const requestsNow = requests.sum(secondOf(ms), Math.min(60, secondOf(ms) - start + 1));
    incident.failedSinceMs = this.#earlier.since(upstream, family, start * 1000, requestsNow);
    this.#open.push(incident);
    return incident;
  }

  #count(open: OpenIncident, from: number, second: number): void {
    for (const upstream of open.upstreams) {
      const failures = this.#upstreams.get(upstream);
      if (failures === undefined) continue;
      for (const counted of [open, ...this.#additions.countedOf(open)]) counted.addFrom(failures, from, second);
      open.countRequests(failures, from, second);
      open.countOfRoutes(failures, from, second);
    }
    open.staleReusesFailed += this.#staleReuses.sum(second, second - from + 1);
  }

  /** Incidents that have a fault of the machine or the gateway in common become one: the earliest. Those that were reported end. */
  #joinShared(ms: number, watched: (upstream: string) => WatchedUpstream): readonly IncidentChange[] {
    if (this.#open.length < 2) return [];
    const changes: IncidentChange[] = [];
    const first = new Map<SharedFault, OpenIncident[]>();
    for (const open of this.#open.toSorted((a, b) => a.startSecond - b.startSecond)) {
      const fault = this.#faultOf(open, ms, watched);
      if (fault === null) continue;
      const { family, withinS } = sharedFaults[fault];
      const others = first.get(fault) ?? [];
      first.set(fault, others);
      const into = others.find(({ startSecond }) => open.startSecond - startSecond <= withinS);
      if (into === undefined) {
        others.push(open);
        continue;
      }
      into.absorb(open, family);
      this.#open.splice(this.#open.indexOf(open), 1);
      // The one that nobody was told of goes on as the one that was reported.
      if (open.reported > 0 && into.reported === 0) into.continueAs(open);
      else if (open.reported > 0) changes.push(this.#joined(open, into, ms));
    }
    return changes;
  }

  /** What routes cannot decide since a service is out is part of the incident of the service. */
  #joinAsking(ms: number): readonly IncidentChange[] {
    const changes: IncidentChange[] = [];
    for (const open of this.#open) {
      const service = askedService(open, this.#open);
      if (service === null) continue;
      if (open.reported > 0 && service.reported === 0) service.continueAs(open);
      else if (open.reported > 0) changes.push(this.#joined(open, service, ms));
      open.partOf = service;
      open.id = 0;
      service.asking.add(open);
    }
    return changes;
  }

  /** What is part of an incident that ends has ended with it, or goes on by itself. */
  #remove(open: OpenIncident, second: number): void {
    this.#open.splice(this.#open.indexOf(open), 1);
    for (const part of open.asking) {
      part.partOf = null;
      part.reported = 0;
      const at = this.#open.indexOf(part);
      if (at !== -1 && second - part.lastSecond > lateS) this.#open.splice(at, 1);
    }
  }

  #joined(open: OpenIncident, into: OpenIncident, ms: number): IncidentChange {
    const now = this.#wall(ms);
    const incident = { ...incidentFacts(open, now, this.#beganAt, now), joined: into.id };
    this.#resolved.add(incident, open.startMs);
    return { kind: 'resolved', incident };
  }

  #faultOf(open: OpenIncident, ms: number, watched: (upstream: string) => WatchedUpstream): SharedFault | null {
    const facts = incidentFacts(open, this.#wall(ms), this.#beganAt, null);
    const [failures] = open.upstreams.map((upstream) => this.#upstreams.get(upstream));
    if (failures === undefined) return null;
    const seen = watchedTogether(open.upstreams.map(watched));
    return sharedFaultOf(this.#contextOf(facts, open, failures, seen));
  }

  #number(open: OpenIncident): void {
    if (open.id !== 0) return;
    const { id, sizeBefore } = this.#numberOf(open.upstreams[0] as string, open.root);
    open.id = id;
    open.sizeBefore = sizeBefore;
  }

  /** An incident of an earlier process that goes on at one upstream after the other. */
  #rejoin(open: OpenIncident, into: OpenIncident): null {
    into.absorb(open, null);
    this.#open.splice(this.#open.indexOf(open), 1);
    return null;
  }

  #follow(
    open: OpenIncident,
    from: number,
    second: number,
    ms: number,
    watched: WatchedUpstream,
  ): IncidentChange | null {
    const all = open.upstreams.flatMap((upstream) => this.#upstreams.get(upstream) ?? []);
    const [failures] = all;
    if (failures === undefined) return null;
    if (open.partOf === null) this.#number(open);
    const same = this.#open.find((one) => one !== open && one.id === open.id && open.id !== 0);
    if (same !== undefined) return this.#rejoin(open, same);
    const quietFor = second - open.lastSecond;
    const isRemoved = watched.isRemoved === true && quietFor > lateS;
    const isOver = isRemoved || hasEnded(open, all, watched, second);
    const resolvedAt = isOver ? this.#wall(ms) : null;
    const seen = open.seenEndpoints.see(watched);
    const checksChanged = open.seeChecks(familyOfChecks(watched), second);
    open.noteEndpoints(watched);
    open.application = seen.application;
    if (open.families.has('application')) this.#errorBodies.addTo(open, this.#wall(open.startMs));
    if (open.root === 'slower' && quietFor === 0)
      open.lateness =
        failures.parts.lateness(open.routeNames, second) ??
        failures.bodies.lateness(open.routeNames) ??
        failures.latencies.lateness(open.routeNames, second) ??
        open.lateness;
    if (open.root === 'changed' && (quietFor === 0 || open.answers === null))
      open.answers =
        failures.parts.change(open.routeNames, second) ??
        this.#answers.change(open.routeNames, second, open.answers) ??
        open.answers;
    if (quietFor === 0) open.seeRetries(failures.rates.mostRetried(open.routeNames, second, retriesS));
    const rank = (
      counted: OpenIncident,
      isLater: (kind: SuspectKind) => boolean = () => false,
    ): readonly IncidentSuspect[] =>
      rankSuspects(this.#contextOf(ownFacts(counted, this.#wall(ms), this.#beganAt), counted, failures, seen), isLater);
    const others = open.upstreams.flatMap((one) => this.#incidentsAt(one)).filter((one) => one !== open);
    const isAdded = this.#additions.follow(open, {
      ...{ from, second, wallMs: this.#wall(ms), failures: all, watched, events: this.#events.all, rank },
      elsewhere: new Set(others.flatMap(({ families }) => [...families])),
    });
    const found = rank(open, (kind) => open.additions.has(kind));
    open.suspects =
      quietFor === 0
        ? suspectsWhileFailing(found, open, checksChanged)
        : withEarlierSuspects(found, open.suspects, quietFor <= lateS || open.suspects.length === 0);
    if (open.reported > 0) open.worstShare = Math.max(open.worstShare, certainShare(open, all, second));
    open.rarer = rarerFailures(open, all, second);
    open.rarestShare = Math.min(open.rarestShare, open.rarer?.share ?? 1);
    const isCorrected = !isOver && !isAdded && open.reportedCause.see(open.suspects, ms, this.#wall(ms));
    const facts = incidentFacts(open, this.#wall(ms), this.#beganAt, resolvedAt);
    const incident = isRemoved ? { ...facts, isRemoved } : facts;
    if (isOver) this.#remove(open, second);
    if (open.partOf !== null) {
      open.reported = 1;
      return null;
    }
    if (isOver) {
      this.#resolved.add(incident, open.startMs);
      this.#earlier.add(
        incident,
        this.#beganAt,
        (upstream) => this.#upstreams.get(upstream)?.requests.sum(secondOf(ms), Math.min(silentS, quietFor + 1)) ?? 0,
      );
      return { kind: 'resolved', incident };
    }
    if (isCorrected) return { kind: 'corrected', incident };
    const isNew = open.reported === 0;
    const change = changeOf(open, incident, isAdded);
    if (isNew && change !== null) noteOpening(open, all, second);
    return change;
  }

  #contextOf(
    incident: LiveIncident,
    open: OpenIncident,
    failures: UpstreamFailures,
    watched: WatchedUpstream,
  ): SuspectContext {
    return suspectContext(incident, {
      ...{ open, failures, watched, events: this.#events.all, releases: this.#releases, second: this.#judged },
      failedRevisions: this.#resolved.failedRevisions(incident, open.startMs, this.#open, this.#releases),
    });
  }
}

const secondOf = (ms: number): number => Math.floor(ms / 1000);
