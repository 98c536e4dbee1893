import type { WorkerCounts } from '../core/counters.ts';
import { concurrencyOf } from '../features/concurrency/settings.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { Event, EventKind, EventSink, IncidentFacts, NewEvent, PresentIncident } from '../core/event.ts';
import type { FailureFamily, IncidentMarks, IncidentOrder, KeptIncident, LiveIncident } from '../core/live-incident.ts';
import type { HealthCheckReport } from '../core/health-check-report.ts';
import type { RouteSpec } from '../core/route-spec.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { SearchResult } from '../core/store-messages.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import {
  additionSentence,
  correctionSentence,
  incidentSentence,
  presentStep,
  presentView,
} from './incident-sentence.ts';
import type { IncidentChange, IncidentNumber } from './incident-change.ts';
import { IncidentTracker } from './incident-tracker.ts';
import type { RouteLimits, UpstreamSettings, WatchedUpstream } from './watched-upstream.ts';
import { EarlierIncidents, joinedIncident, type IncidentStorage, OpenAtExit } from './earlier-incidents.ts';
import type { PrintedLine } from './application-words.ts';
import type { HasServed } from './seen-releases.ts';
import type { Examination } from './incident-examination.ts';
import { type MarkOutcome, markedBy, markProblem, presentMarks } from './incident-marks.ts';
import { interruptedSentence } from './incident-status.ts';
import { limitsOfRoute } from './present-settings.ts';
import type { WorkerBatch } from '../core/worker-messages.ts';

interface IncidentWatchParts {
  readonly clock: Clock;
  readonly events: EventSink;
  /** Of this run of the process. */
  readonly epoch: string;
  /** Null: incidents begin anew with each process. */
  readonly storage: IncidentStorage | null;
  /** The application and the endpoints of an upstream; null: it does not exist. */
  readonly upstream: (id: UpstreamId) => {
    readonly application: string | null;
    readonly endpoints: readonly EndpointSnapshot[];
    /** Null or absent: none. */
    readonly tls?: object | null;
  } | null;
  /** What stands out at the processes of an application that the gateway runs. */
  readonly processesOf: (application: string) => WatchedUpstream['processes'];
  readonly configuration: WatchedConfiguration;
  /** Whether what applications print is stored. */
  readonly storesOutput: () => boolean;
  readonly adviceOf: (upstream: UpstreamId, endpoint: EndpointId) => string | null;
  /** The last check of an endpoint; null: none is known. */
  readonly lastCheckOf?: (upstream: UpstreamId, endpoint: EndpointId) => HealthCheckReport | null;
  /** Searches stored records; absent: nothing is stored. */
  readonly search?: (query: string, limit: number) => Promise<SearchResult>;
  /** What a person would look at first; null: nothing now. Instances that have not served say nothing of an incident. */
  readonly examine: (incident: LiveIncident, hasServed: HasServed) => Promise<Examination | null>;
  /** What the application of an incident has printed in the last seconds, the oldest first; absent: that is not known. */
  readonly printed?: (incident: LiveIncident, hasServed: HasServed) => Promise<readonly PrintedLine[]>;
}

/** Settings that incidents are compared with. */
interface WatchedConfiguration {
  /** Of the active configuration; null: there is no such route. */
  readonly route: (id: string) => Pick<RouteSpec, 'timeouts' | 'features'> | null;
  /** Of the active configuration; null: there is no such upstream. */
  readonly upstream: (id: UpstreamId) => UpstreamSettings | null;
  /** The timeouts of a route that a revision has replaced by others; null: it has not, or that is no longer known. */
  readonly before: (route: string, revision: number) => RouteLimits | null;
}

type WatchedProcess = NonNullable<WatchedUpstream['processes']>[number];

type IncidentEventKind = EventKind & `incident_${IncidentChange['kind']}`;

const kindOf: Readonly<Record<IncidentChange['kind'], IncidentEventKind>> = {
  opened: 'incident_opened',
  grown: 'incident_grown',
  corrected: 'incident_corrected',
  resolved: 'incident_resolved',
};

/** An incident that goes on after a restart shows within seconds of the first requests. Until then its end is not reported. */
const decideMs = 30_000;

/** How often open incidents are written besides. */
const keepEveryMs = 5000;

/** How often the logs of applications are looked at while incidents go on, and of how many of those: each is a search of the store. */
const logsEveryMs = 15_000;
const logsMax = 3;

const continuedSentence = 'It began before the gateway was restarted.';

/** Findings of incidents that are no longer listed. */
const findingsMax = 300;

/**
 * Passes on to the tracker of incidents what workers count and what happens, reports incidents as events, and keeps them for the
 * next process.
 */
export class IncidentWatch {
  readonly #parts: IncidentWatchParts;
  readonly #tracker: IncidentTracker;
  readonly #began: Instant;
  readonly #staleReuses = new Map<number, number>();
  /** By number. */
  readonly #findings = new Map<number, Pick<KeptIncident, 'findings' | 'findingsAt'>>();
  /** Of operators, by number. */
  readonly #marks = new Map<number, IncidentMarks>();
  readonly #earlier: EarlierIncidents;
  readonly #openAtExit: OpenAtExit | null;
  #decideTimer: Timer | null = null;
  #keptAt: Instant;
  #logsReadAt: Instant;
  #closed: Promise<void> | null = null;
  #lastId = 0;

  constructor(parts: IncidentWatchParts) {
    this.#parts = parts;
    this.#began = parts.clock.now();
    this.#keptAt = this.#began;
    this.#logsReadAt = this.#began;
    this.#earlier = new EarlierIncidents(parts.storage, parts.epoch);
    const { clock, search } = parts;
    this.#openAtExit = search === undefined ? null : new OpenAtExit({ clock, search });
    this.#tracker = new IncidentTracker(parts.clock.wallTime(), (upstream, family) => this.#numberOf(upstream, family));
  }

  /** Reads those of earlier processes, of which none runs any more. What was open then goes on soon, or is interrupted. */
  readEarlier(): void {
    const { clock } = this.#parts;
    if (this.#closed !== null) return;
    this.#interrupted(this.#earlier.read(clock.wallTime()));
    const decide = (watch: IncidentWatch): void => watch.#interrupted(watch.#earlier.decide());
    this.#decideTimer = clock.schedule(after(clock.now(), decideMs), decide, this as IncidentWatch);
  }

  #interrupted(incidents: readonly KeptIncident[]): void {
    if (incidents.length > 0) void this.#parts.storage?.write(incidents);
    for (const incident of incidents) this.#emit('incident_resolved', incident, 'interrupted');
  }

  onEvent(event: Event): void {
    this.#tracker.onEvent(event, this.#ms);
    if (this.#closed === null) this.#openAtExit?.onEvent(event);
  }

  /** Workers send batches several times a second, empty ones too: judges the seconds that are over. */
  onBatch({
    exchanges,
    outcomes,
    counts,
    responses = [],
    routes = [],
    errorBodies = [],
  }: Pick<WorkerBatch, 'exchanges' | 'outcomes' | 'counts'> &
    Partial<Pick<WorkerBatch, 'responses' | 'routes' | 'errorBodies'>>): void {
    if (this.#closed !== null) return;
    const ms = this.#ms;
    const traffic = {
      exchanges,
      outcomes,
      routes,
      responses,
      errorBodies,
      staleReusesFailed: this.#newStaleReuses(counts),
    };
    this.#tracker.note(traffic, ms, this.#parts.clock.wallTime());
    for (const change of this.#tracker.judge(ms, (upstream) => this.#watched(upstream as UpstreamId)))
      this.#report(change);
    this.#keepOpen();
    this.#readLogs();
  }

  /** What is on the disk when the process is killed is not much older than the process. */
  #keepOpen(): void {
    const { clock, storage } = this.#parts;
    if (clock.now() - this.#keptAt < keepEveryMs) return;
    this.#keptAt = clock.now();
    void storage?.write(this.#openOnes());
  }

  /** What applications print is looked at again while their incidents go on. */
  #readLogs(): void {
    const { clock, printed } = this.#parts;
    if (printed === undefined || clock.now() - this.#logsReadAt < logsEveryMs) return;
    this.#logsReadAt = clock.now();
    for (const incident of this.#openOnes().slice(0, logsMax))
      void printed(incident, this.#tracker.hasServed).then(
        (lines) => this.#tracker.onPrinted(incident.id, lines),
        () => {}, // The next search finds the same lines.
      );
  }

  #openOnes(): readonly KeptIncident[] {
    return this.list().filter(({ resolvedAt }) => resolvedAt === null);
  }

  /** Those that go on, then those that are over, each the latest first; then those of earlier processes. */
  list(): readonly KeptIncident[] {
    return [...this.#tracker.list(this.#ms).map((incident) => this.#kept(incident)), ...this.#earlier.list];
  }

  /** One that goes on, as it is now. Null: there is none with this key, or it is over. */
  present(key: string): PresentIncident | null {
    const found = this.#openOnes().find((one) => one.key === key);
    if (found === undefined) return null;
    const { openedAt, lastAt, findings } = found;
    const reason = incidentSentence(found);
    return { facts: factsOf(found), reason, subject: subjectOf(found), openedAt, lastAt, findings };
  }

  /** Does what an operator wants of an incident, which outlives the process. */
  mark(order: IncidentOrder, actor: string): MarkOutcome {
    const { clock, events, storage } = this.#parts;
    const now = clock.wallTime();
    if (this.#closed !== null)
      return { ok: false, kind: 'refused', why: 'The gateway ends: ask the process that follows.' };
    const found = this.list().find(({ id }) => id === order.incident);
    const problem = markProblem(found, order, now);
    if (problem !== null || found === undefined) return problem as MarkOutcome;
    const { muted: _muted, acknowledged: _acknowledged, ...facts } = found;
    const marks = markedBy(found, order, { at: now, by: actor });
    this.#marks.set(order.incident, marks);
    const [oldest] = this.#marks.keys();
    if (this.#marks.size > findingsMax && oldest !== undefined) this.#marks.delete(oldest);
    const incident = { ...facts, ...marks };
    void storage?.write([incident]);
    if (order.kind === 'mute') events.emit(mutedEvent(incident, order, actor));
    return { ok: true, incident };
  }

  /** For the next process, when this one ends or begins to: from then on incidents are the other's. */
  close(): Promise<void> {
    this.#decideTimer?.cancel();
    this.#openAtExit?.close();
    this.#closed ??= this.#parts.storage?.write(this.#openOnes()) ?? Promise.resolve();
    return this.#closed;
  }

  get #ms(): number {
    return this.#parts.clock.now() - this.#began;
  }

  #numberOf(upstream: string, family: FailureFamily): IncidentNumber {
    const before = this.#earlier.continue(upstream, family);
    if (before !== null) return { id: before.id, sizeBefore: Math.max(before.failed, before.attemptsFailed) };
    this.#lastId = Math.max(this.#lastId, this.#earlier.lastNumber()) + 1;
    return { id: this.#lastId, sizeBefore: 0 };
  }

  #keyOf(id: number): string {
    return this.#earlier.continuedWith(id)?.key ?? `${this.#parts.epoch}-${id}`;
  }

  #kept(incident: LiveIncident): KeptIncident {
    const before = this.#earlier.continuedWith(incident.id);
    const { findings = [], findingsAt } = this.#findings.get(incident.id) ?? before ?? {};
    const facts = before === null ? incident : joinedIncident(incident, before);
    const marks = this.#marks.get(incident.id) ?? before ?? {};
    return {
      ...facts,
      ...presentMarks(marks, incident, this.#parts.clock.wallTime()),
      key: this.#keyOf(incident.id),
      interrupted: false,
      findings,
      ...(findingsAt === undefined ? {} : { findingsAt }),
    };
  }

  #newStaleReuses({ worker, staleReusesFailed }: WorkerCounts): number {
    const before = this.#staleReuses.get(worker) ?? 0;
    if (staleReusesFailed !== before) this.#staleReuses.set(worker, staleReusesFailed);
    return staleReusesFailed - before;
  }

  #watched(id: UpstreamId): WatchedUpstream {
    const upstream = this.#parts.upstream(id);
    // Requests that reach no upstream have the empty name.
    if (upstream === null) return { application: null, endpoints: [], ...(id === '' ? {} : { isRemoved: true }) };
    const endpoints = upstream.endpoints.map((endpoint) => ({
      id: endpoint.id,
      name: endpoint.name ?? null,
      state: endpoint.state,
      reason: endpoint.reason,
      ...(endpoint.finding === undefined ? {} : { finding: endpoint.finding }),
      ...(endpoint.takenOutBy === undefined ? {} : { takenOutBy: endpoint.takenOutBy }),
      checkCause: endpoint.checkCause ?? endpoint.finding?.cause ?? null,
      advice: this.#parts.adviceOf(id, endpoint.id),
      ...this.#checkAnswer(id, endpoint.id),
    }));
    const { application } = upstream;
    const { configuration } = this.#parts;
    const settings = configuration.upstream(id);
    const processes = application === null ? [] : (this.#parts.processesOf(application) ?? []);
    const isByChance =
      settings !== null && settings.isSticky !== true && upstream.endpoints.every(({ arm }) => arm === undefined);
    const storesOutput = this.#parts.storesOutput() ? { storesOutput: true as const } : {};
    return {
      application,
      endpoints,
      ...(settings === null ? {} : { settings }),
      limitsOf: (route) => limitsOfRoute(configuration.route(route)),
      limitsBefore: configuration.before,
      concurrencyOf: (route) => concurrencyOf(configuration.route(route)?.features).bound ?? null,
      ...storesOutput,
      ...(isByChance ? { sendsByChance: true as const } : {}),
      ...(upstream.tls == null ? {} : { tls: true as const }),
      processes: processes.map((one) => this.#withOpenRequests(one)),
    };
  }

  #checkAnswer(upstream: UpstreamId, id: EndpointId): Pick<WatchedUpstream['endpoints'][number], 'checkAnswer'> {
    const { at, status, passed, lines = [] } = this.#parts.lastCheckOf?.(upstream, id) ?? { passed: true };
    return passed || at === undefined || lines.length === 0
      ? {}
      : { checkAnswer: { at, status: status ?? null, lines } };
  }

  #withOpenRequests(process: WatchedProcess): WatchedProcess {
    const openAtExit = this.#openAtExit?.of(process.instance) ?? [];
    return openAtExit.length === 0 ? process : { ...process, openAtExit };
  }

  #report({ kind, incident }: IncidentChange): void {
    const kept = this.#kept(incident);
    const isContinued = kind === 'opened' && this.#earlier.continuedWith(incident.id) !== null;
    const ended = incident.joined === undefined ? 'resolved' : 'joined';
    this.#emit(kindOf[kind], kept, kind === 'resolved' ? ended : isContinued ? 'continued' : 'open');
    void this.#parts.storage?.write([kept]);
    if (kind === 'opened') void this.#examine(incident);
  }

  async #examine(incident: LiveIncident): Promise<void> {
    const examination = await this.#parts.examine(incident, this.#tracker.hasServed);
    if (examination === null) return;
    const { findings, look, newest, printed = [] } = examination;
    this.#tracker.onLook(incident.id, look, newest);
    this.#tracker.onPrinted(incident.id, printed);
    if (findings.length === 0) return;
    this.#findings.set(incident.id, { findings, findingsAt: this.#parts.clock.wallTime() });
    const [oldest] = this.#findings.keys();
    if (this.#findings.size > findingsMax && oldest !== undefined) this.#findings.delete(oldest);
    const key = this.#keyOf(incident.id);
    this.#parts.events.emit({
      kind: 'incident_examined',
      subject: subjectOf(incident),
      reason: `the gateway has looked at incident ${incident.id}: ${findings[0]}`,
      evidence: { incident: incident.id, key, findings },
    });
    const now = this.list().find((one) => one.key === key);
    if (now !== undefined) await this.#parts.storage?.write([now]);
  }

  #emit(kind: IncidentEventKind, incident: KeptIncident, to: string): void {
    const more = incident.interrupted ? ` ${interruptedSentence}` : to === 'continued' ? ` ${continuedSentence}` : '';
    this.#parts.events.emit({
      kind,
      subject: subjectOf(incident),
      reason: kind === 'incident_corrected' ? correctionSentence(incident) : incidentSentence(incident) + more,
      evidence: factsOf(incident),
      to,
    });
  }
}

function mutedEvent(
  { id, key, upstream }: Pick<KeptIncident, 'id' | 'key' | 'upstream'>,
  { until, reason }: Extract<IncidentOrder, { kind: 'mute' }>,
  actor: string,
): NewEvent<'incident_muted'> {
  const why = reason === null ? '' : `: ${reason}`;
  const untilText = until === null ? null : new Date(until).toISOString();
  const what =
    untilText === null ? 'messages about it are sent again' : `no message about it is sent until ${untilText}`;
  return {
    kind: 'incident_muted',
    subject: upstream === '' ? 'gateway' : `upstream:${upstream}`,
    reason: `incident ${id}: ${what}${why}`,
    evidence: { incident: id, key, until: untilText, reason },
    to: until === null ? 'unmuted' : 'muted',
    actor,
  };
}

function subjectOf({ upstream }: LiveIncident): string {
  return upstream === '' ? 'gateway' : `upstream:${upstream}`;
}

function factsOf(incident: KeptIncident): IncidentFacts {
  const { id, key, upstream, family, requests, failed, attemptsFailed, startedAt, corrected } = incident;
  const { cause, suspects, additions } = presentView(incident);
  return {
    incident: id,
    key,
    upstream,
    upstreams: incident.upstreams.map((one) => one.upstream),
    family,
    routes: incident.routes.map(({ route }) => route),
    cause,
    requests,
    failed,
    attemptsFailed,
    startedAt: new Date(startedAt).toISOString(),
    suspects: suspects.map(({ name, sentence }) => ({ name, sentence })),
    nextStep: incident.resolvedAt === null ? presentStep(incident) : (suspects[0]?.nextStep ?? null),
    additions: additions.map(additionSentence),
    ...(incident.muted === undefined ? {} : { mutedUntil: new Date(incident.muted.until).toISOString() }),
    ...(corrected === undefined ? {} : { corrected: { from: corrected.from, to: corrected.to } }),
  };
}
