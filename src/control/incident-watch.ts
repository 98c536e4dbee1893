import type { WorkerCounts } from '../core/counters.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { Event, EventKind, EventSink, IncidentFacts } from '../core/event.ts';
import type { KeptIncident, LiveIncident } from '../core/live-incident.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Clock, Instant } from '../core/time.ts';
import { incidentSentence } from '../diagnose/live/incident-sentence.ts';
import { type IncidentChange, IncidentTracker } from '../diagnose/live/incident-tracker.ts';
import type { WatchedUpstream } from '../diagnose/live/watched-upstream.ts';
import type { IncidentStorage } from './incident-file.ts';
import { interruptedSentence } from './incident-status.ts';
import type { WorkerBatch } from './worker-reports.ts';

export interface IncidentWatchParts {
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
  } | null;
  readonly adviceOf: (upstream: UpstreamId, endpoint: EndpointId) => string | null;
  /** What a person would look at first; null: nothing now. */
  readonly examine: (incident: LiveIncident) => Promise<readonly string[] | null>;
}

const kindOf: Readonly<Record<IncidentChange['kind'], EventKind & `incident_${'opened' | 'grown' | 'resolved'}`>> = {
  opened: 'incident_opened',
  grown: 'incident_grown',
  resolved: 'incident_resolved',
};

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
  readonly #findings = new Map<number, readonly string[]>();
  /** Of earlier processes, the latest first. */
  #earlier: readonly KeptIncident[] = [];
  #lastId = 0;

  constructor(parts: IncidentWatchParts) {
    this.#parts = parts;
    this.#began = parts.clock.now();
    this.#tracker = new IncidentTracker(parts.clock.wallTime(), () => this.#nextId());
  }

  /** Reads those of earlier processes, of which none runs any more: what was open then is interrupted. */
  readEarlier(): void {
    const { storage, epoch, clock } = this.#parts;
    if (storage === null) return;
    const others = storage.read().filter(({ key }) => !key.startsWith(`${epoch}-`));
    const ended = others
      .filter(({ resolvedAt }) => resolvedAt === null)
      .map((incident) => ({ ...incident, resolvedAt: clock.wallTime(), interrupted: true }));
    const byKey = new Map([...others, ...ended].map((incident) => [incident.key, incident]));
    this.#earlier = [...byKey.values()].reverse();
    if (ended.length > 0) void storage.write(ended);
    for (const incident of ended) this.#emit('incident_resolved', incident, 'interrupted');
  }

  onEvent(event: Event): void {
    this.#tracker.onEvent(event, this.#ms);
  }

  /** Workers send batches several times a second, empty ones too: judges the seconds that are over. */
  onBatch({ exchanges, outcomes, counts }: Pick<WorkerBatch, 'exchanges' | 'outcomes' | 'counts'>): void {
    const ms = this.#ms;
    this.#tracker.note({ exchanges, outcomes, staleReusesFailed: this.#newStaleReuses(counts) }, ms);
    for (const change of this.#tracker.judge(ms, (upstream) => this.#watched(upstream as UpstreamId)))
      this.#report(change);
  }

  /** Those that go on, then those that are over, each the latest first; then those of earlier processes. */
  list(): readonly KeptIncident[] {
    return [...this.#tracker.list(this.#ms).map((incident) => this.#kept(incident)), ...this.#earlier];
  }

  /** For the next process, before this one ends. */
  async close(): Promise<void> {
    const open = this.list().filter(({ resolvedAt }) => resolvedAt === null);
    await this.#parts.storage?.write(open);
  }

  get #ms(): number {
    return this.#parts.clock.now() - this.#began;
  }

  /** During an upgrade the other process counts too. */
  #nextId(): number {
    const kept = this.#parts.storage?.read() ?? [];
    this.#lastId = kept.reduce((last, { id }) => Math.max(last, id), this.#lastId) + 1;
    return this.#lastId;
  }

  #keyOf(id: number): string {
    return `${this.#parts.epoch}-${id}`;
  }

  #kept(incident: LiveIncident): KeptIncident {
    const findings = this.#findings.get(incident.id) ?? [];
    return { ...incident, key: this.#keyOf(incident.id), interrupted: false, findings };
  }

  #newStaleReuses({ worker, staleReusesFailed }: WorkerCounts): number {
    const before = this.#staleReuses.get(worker) ?? 0;
    if (staleReusesFailed !== before) this.#staleReuses.set(worker, staleReusesFailed);
    return staleReusesFailed - before;
  }

  #watched(id: UpstreamId): WatchedUpstream {
    const upstream = this.#parts.upstream(id);
    if (upstream === null) return { application: null, endpoints: [] };
    const endpoints = upstream.endpoints.map((endpoint) => ({
      id: endpoint.id,
      name: endpoint.name ?? null,
      state: endpoint.state,
      reason: endpoint.reason,
      checkCause: endpoint.checkCause ?? null,
      advice: this.#parts.adviceOf(id, endpoint.id),
    }));
    return { application: upstream.application, endpoints };
  }

  #report({ kind, incident }: IncidentChange): void {
    const kept = this.#kept(incident);
    this.#emit(kindOf[kind], kept, kind === 'resolved' ? 'resolved' : 'open');
    void this.#parts.storage?.write([kept]);
    if (kind === 'opened') void this.#examine(incident);
  }

  async #examine(incident: LiveIncident): Promise<void> {
    const findings = await this.#parts.examine(incident);
    if (findings === null || findings.length === 0) return;
    this.#findings.set(incident.id, findings);
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

  #emit(kind: EventKind & `incident_${'opened' | 'grown' | 'resolved'}`, incident: KeptIncident, to: string): void {
    const sentence = incidentSentence(incident);
    this.#parts.events.emit({
      kind,
      subject: subjectOf(incident),
      reason: incident.interrupted ? `${sentence} ${interruptedSentence}` : sentence,
      evidence: factsOf(incident),
      to,
    });
  }
}

function subjectOf({ upstream }: LiveIncident): string {
  return upstream === '' ? 'gateway' : `upstream:${upstream}`;
}

function factsOf(incident: KeptIncident): IncidentFacts {
  const { id, key, upstream, cause, requests, failed, attemptsFailed, startedAt, suspects } = incident;
  return {
    incident: id,
    key,
    upstream,
    routes: incident.routes.map(({ route }) => route),
    cause,
    requests,
    failed,
    attemptsFailed,
    startedAt: new Date(startedAt).toISOString(),
    suspects: suspects.map(({ name, sentence }) => ({ name, sentence })),
    nextStep: suspects[0]?.nextStep ?? null,
  };
}
