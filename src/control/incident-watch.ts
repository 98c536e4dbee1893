import type { WorkerCounts } from '../core/counters.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { Event, EventKind, EventSink, IncidentFacts } from '../core/event.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Clock, Instant } from '../core/time.ts';
import { incidentSentence } from '../diagnose/live/incident-sentence.ts';
import { type IncidentChange, IncidentTracker } from '../diagnose/live/incident-tracker.ts';
import type { WatchedUpstream } from '../diagnose/live/watched-upstream.ts';
import type { LiveIncident } from '../core/live-incident.ts';
import type { WorkerBatch } from './worker-reports.ts';

export interface IncidentWatchParts {
  readonly clock: Clock;
  readonly events: EventSink;
  /** Of this run of the process. */
  readonly epoch: string;
  /** The application and the endpoints of an upstream; null: it does not exist. */
  readonly upstream: (id: UpstreamId) => {
    readonly application: string | null;
    readonly endpoints: readonly EndpointSnapshot[];
  } | null;
  readonly adviceOf: (upstream: UpstreamId, endpoint: EndpointId) => string | null;
}

const kindOf: Readonly<Record<IncidentChange['kind'], EventKind & `incident_${string}`>> = {
  opened: 'incident_opened',
  grown: 'incident_grown',
  resolved: 'incident_resolved',
};

/** Passes on to the tracker of incidents what workers count and what happens, and reports incidents as events. */
export class IncidentWatch {
  readonly #parts: IncidentWatchParts;
  readonly #tracker: IncidentTracker;
  readonly #began: Instant;
  readonly #staleReuses = new Map<number, number>();

  constructor(parts: IncidentWatchParts) {
    this.#parts = parts;
    this.#began = parts.clock.now();
    this.#tracker = new IncidentTracker(parts.clock.wallTime());
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

  /** Those that go on, then those that are over, each the latest first. */
  list(): readonly LiveIncident[] {
    return this.#tracker.list(this.#ms);
  }

  get #ms(): number {
    return this.#parts.clock.now() - this.#began;
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
    this.#parts.events.emit({
      kind: kindOf[kind],
      subject: incident.upstream === '' ? 'gateway' : `upstream:${incident.upstream}`,
      reason: incidentSentence(incident),
      evidence: factsOf(incident, this.#parts.epoch),
      to: kind === 'resolved' ? 'resolved' : 'open',
    });
  }
}

function factsOf(incident: LiveIncident, epoch: string): IncidentFacts {
  const { id, upstream, cause, requests, failed, attemptsFailed, startedAt, suspects } = incident;
  return {
    incident: id,
    key: `${epoch}-${id}`,
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
