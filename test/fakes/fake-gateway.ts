import type { CostAnswer, UsageNow, UsageRequest, UsageSeries } from '../../src/core/schemas/usage.ts';
import { sampleCost } from './sample-usage.ts';
import { failWith, succeed } from '#failures/result.ts';
import type { SettingMap } from '../../src/control/effective-configuration.ts';
import type { AlertTestResult } from '../../src/core/schemas/alerts.ts';
import type { IncidentOrder } from '../../src/core/live-incident.ts';
import type { MarkOutcome } from '../../src/incidents/incident-marks.ts';
import type { IncidentStatus } from '../../src/core/schemas/incidents.ts';
import type { KeptConfigurations } from '../../src/control/configuration-history.ts';
import { explainRoute, type RoutedConfiguration } from '../../src/control/explain-route.ts';
import type { RouteQuestion } from '../../src/control/route-question.ts';
import type { RouteExplanation, RouteTimelines, TrafficTimeline } from '../../src/core/schemas/traffic.ts';
import type { TrafficRequest } from '../../src/control/traffic-timeline.ts';
import type { OwnSocket } from '../../src/core/passed-socket.ts';
import type { Event, EventKind, NewEvent } from '../../src/core/event.ts';
import type { FoundContext } from '../../src/core/request-context.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { eventJson } from '../../src/core/event-json.ts';
import type {
  EventSearchRequest,
  EventSearchResult,
  OutputSearchResult,
  SearchRequest,
  SearchResult,
  GroupResult,
} from '../../src/core/store-messages.ts';
import type { ExchangeCount, WorkerCounts } from '../../src/core/counters.ts';
import type {
  EventSource,
  Gateway,
  OverlayChange,
  OverlayOutcome,
  ReloadOutcome,
} from '../../src/control/gateway-status.ts';
import type { GatewayStatus, OverlayStatus } from '../../src/core/schemas/status.ts';
import { statusSample } from './samples.ts';

/** A gateway that serves nothing: what the control plane and the commands see, set by hand. */
export class FakeGateway implements Gateway {
  moreFeatureStates(): ReturnType<Gateway['featureStates']> {
    return {};
  }

  takeMoreFeatureStates(): void {}

  featureStates(): ReturnType<Gateway['featureStates']> {
    return {};
  }
  readonly ticketKey = { key: new Uint8Array(48), ageMs: 0 };
  get state(): GatewayStatus['state'] {
    return this.status().state;
  }

  statusNow: GatewayStatus = statusSample;
  /** What a reload does besides. */
  onReload: () => unknown = () => {};
  reloadAnswer: ReloadOutcome = { ok: true, revision: 2, changed: ['routes: /api, /', 'log'], overlay: [] };
  overlayAnswer: OverlayOutcome | null = null;
  records = new Map<string, ExchangeRecord>();
  exchangeCounts: ExchangeCount[] = [];
  workerCounts: WorkerCounts[] = [];
  workersLost = 0;
  logDropped = 0;
  readonly calls: string[] = [];
  readonly events: FakeEvents = new FakeEvents('run-1');

  jobsNow: ReturnType<Gateway['jobs']> = [];
  /** What a run by hand prints, and how it ends. */
  jobRun: (job: string, onLine: (line: string) => void) => ReturnType<Gateway['runJob']> = () => Promise.resolve(null);

  jobs(): ReturnType<Gateway['jobs']> {
    return this.jobsNow;
  }

  runJob(job: string, actor: string, onLine: (line: string) => void): ReturnType<Gateway['runJob']> {
    this.calls.push(`runJob ${job} by ${actor}`);
    return this.jobRun(job, onLine);
  }

  releasesNow: ReturnType<Gateway['releases']> = [];
  rolloutOutcome: Awaited<ReturnType<Gateway['deploy']>> = {
    ok: false,
    failure: { kind: 'source', reason: 'Nothing runs.', step: 'Start it.' },
  };

  releases(): ReturnType<Gateway['releases']> {
    return this.releasesNow;
  }

  async deploy(...call: Parameters<Gateway['deploy']>): ReturnType<Gateway['deploy']> {
    this.calls.push(`deploy ${JSON.stringify(call)}`);
    return this.rolloutOutcome;
  }

  planOutcome: Awaited<ReturnType<Gateway['planDeploy']>> = this.rolloutOutcome as never;

  async releaseLog(..._call: Parameters<Gateway['releaseLog']>): ReturnType<Gateway['releaseLog']> {
    return null;
  }

  async planDeploy(...call: Parameters<Gateway['planDeploy']>): ReturnType<Gateway['planDeploy']> {
    this.calls.push(`plan ${JSON.stringify(call)}`);
    return this.planOutcome;
  }

  async changeRollout(...call: Parameters<Gateway['changeRollout']>): ReturnType<Gateway['changeRollout']> {
    this.calls.push(`rollout ${JSON.stringify(call)}`);
    return this.rolloutOutcome;
  }

  /** What features answer; they refuse otherwise. */
  featureAnswer: object | null = null;

  async askFeature(...call: Parameters<Gateway['askFeature']>): ReturnType<Gateway['askFeature']> {
    this.calls.push(`ask ${JSON.stringify(call)}`);
    if (this.featureAnswer !== null) return succeed(this.featureAnswer);
    return failWith({ kind: 'system', reason: 'It refuses.', step: 'Ask another one.' });
  }

  refreshCounts(): Promise<void> {
    return Promise.resolve();
  }

  refreshResponseTimes(): Promise<void> {
    return Promise.resolve();
  }

  status(): GatewayStatus {
    return this.statusNow;
  }

  async reload(actor: string): Promise<ReloadOutcome> {
    this.calls.push(`reload ${actor}`);
    await this.onReload();
    return this.reloadAnswer;
  }

  overlay(): OverlayStatus {
    return this.statusNow.overlay;
  }

  async changeOverlay(change: OverlayChange, actor: string, ifRevision: number | null = null): Promise<OverlayOutcome> {
    this.calls.push(`overlay ${actor} ${ifRevision} ${JSON.stringify(change)}`);
    const done = { ok: true, changed: true, affected: ['drain:a'], warnings: [], overlay: this.overlay() } as const;
    return this.overlayAnswer ?? done;
  }

  listeningSockets(): readonly OwnSocket[] {
    return [];
  }

  async handOff(): Promise<{ left: number; why: string | null }> {
    return { left: 0, why: null };
  }

  async rollBackHandoff(): Promise<boolean> {
    return true;
  }

  async stop(why: string): Promise<void> {
    this.calls.push(`stop ${why}`);
  }

  async reopenLogs(): Promise<void> {
    this.calls.push('reopenLogs');
  }

  searched: SearchResult = { kind: 'unavailable', problem: 'The configuration has no store.' };
  readonly searches: SearchRequest[] = [];

  async searchExchanges(search: SearchRequest): Promise<SearchResult> {
    this.searches.push(search);
    return this.searched;
  }

  grouped: GroupResult = { kind: 'groups', groups: [], counted: 0, isComplete: true };

  async groupExchanges(): Promise<GroupResult> {
    return this.grouped;
  }

  readonly restarted: string[] = [];

  /** Only of shop. */
  restartInstance(instance: string): boolean {
    if (!instance.startsWith('shop/')) return false;
    this.restarted.push(instance);
    return true;
  }

  foundOutput: OutputSearchResult = { kind: 'page', lines: [], cursor: null, end: '0-0', timedOut: false };
  readonly outputSearches: SearchRequest[] = [];

  async searchOutput(search: SearchRequest): Promise<OutputSearchResult> {
    this.outputSearches.push(search);
    const none: OutputSearchResult = { kind: 'page', lines: [], cursor: null, end: '0-0', timedOut: false };
    return search.after === null ? this.foundOutput : none;
  }

  context: FoundContext = { lines: [], nearby: [], processes: [], unparsed: [], hasAllOutput: false };

  async requestContext(): Promise<FoundContext> {
    return this.context;
  }

  readonly eventSearches: EventSearchRequest[] = [];

  async searchEvents(search: EventSearchRequest): Promise<EventSearchResult> {
    this.eventSearches.push(search);
    const { since, until, kinds, limit, cursor } = search;
    const events = this.events
      .since(0)
      .events.filter(({ at }) => (since === null || at >= since) && (until === null || at <= until))
      .filter(({ kind }) => kinds?.includes(kind) !== false)
      .toReversed();
    const from = Number(cursor ?? 0);
    const next = from + limit < events.length ? String(from + limit) : null;
    return { kind: 'page', events: events.slice(from, from + limit).map(eventJson), cursor: next, timedOut: false };
  }

  configurations: KeptConfigurations = { current: null, list: [] };
  effective: SettingMap = { deployment: 'shop', log: { keep_max: 7, secret_fields: [] } };

  effectiveConfiguration(): SettingMap {
    return this.effective;
  }

  readonly questions: RouteQuestion[] = [];
  routed: RoutedConfiguration = { routes: [], upstreams: [] };

  async explainRoute(question: RouteQuestion): Promise<RouteExplanation> {
    this.questions.push(question);
    return explainRoute(question, this.routed);
  }

  readonly timelines: TrafficRequest[] = [];

  timeline(request: TrafficRequest): TrafficTimeline {
    this.timelines.push(request);
    const [since, until] = [request.since, request.until].map((time) => new Date(time).toISOString()) as [
      string,
      string,
    ];
    const step = { requests: 12, errors: 2, shapes: { app_error: 2 }, p50Ms: 1.2, p99Ms: 30 };
    return { stepS: request.stepS ?? 1, since, until, steps: [{ at: since, ...step }] };
  }

  routeTimelines({ since, stepS }: Omit<TrafficRequest, 'series'>): RouteTimelines {
    const routes = [{ id: 'shop', requests: [12, 0], errors: [2, 0] }];
    return { stepS: stepS ?? 1, since: new Date(since).toISOString(), routes };
  }

  usageRows: UsageNow['rows'] = [];
  usageShown: UsageSeries['series'] = [];
  cost: CostAnswer = sampleCost;

  async usageNow(): Promise<UsageNow> {
    return { at: '2026-11-28T03:00:00.000Z', rows: this.usageRows };
  }

  async usageSeries({ since, until, step }: UsageRequest): Promise<UsageSeries> {
    return {
      ...{ stepS: step === 'hour' ? 3600 : 60, knownSince: null, series: this.usageShown },
      since: new Date(since).toISOString(),
      until: new Date(until).toISOString(),
    };
  }

  async usageCost(since: number, until: number): Promise<CostAnswer> {
    return { ...this.cost, since: new Date(since).toISOString(), until: new Date(until).toISOString() };
  }

  shownIncidents: readonly IncidentStatus[] = [];

  incidents(): readonly IncidentStatus[] {
    return this.shownIncidents;
  }

  readonly marked: string[] = [];

  /** Of those that are shown. */
  markIncident(order: IncidentOrder, actor: string): MarkOutcome<IncidentStatus> {
    const { incident: id, kind, reason } = order;
    const incident = this.shownIncidents.find((one) => one.id === id);
    if (incident === undefined) return { ok: false, kind: 'unknown', why: `No incident has the number ${id}.` };
    if (incident.resolvedAt !== null) return { ok: false, kind: 'refused', why: `Incident ${id} is over.` };
    const until = order.kind === 'mute' ? ` ${order.until === null ? null : new Date(order.until).toISOString()}` : '';
    this.marked.push(`${kind}${until} ${reason} ${actor}`);
    return { ok: true, incident };
  }

  alertTests: readonly AlertTestResult[] | null = null;

  async testAlerts(target: string | null): Promise<readonly AlertTestResult[] | null> {
    this.calls.push(`testAlerts ${target}`);
    return this.alertTests;
  }

  async findExchange(id: string): Promise<ExchangeRecord | null> {
    return this.records.get(id) ?? null;
  }

  counts(): ReturnType<Gateway['counts']> {
    const { exchangeCounts: exchanges, workerCounts: workers, workersLost, logDropped } = this;
    return {
      exchanges,
      workers,
      workersLost,
      responses: [],
      releases: [],
      stages: [],
      threads: [],
      logDropped,
      storeLost: 0,
      otlp: [],
      failedHandshakes: [],
      http2Limits: [],
      http2Errors: [],
      programs: { jobs: [], outOfMemory: [], used: [], storage: [] },
    };
  }

  emit<K extends EventKind>(event: NewEvent<K>): void {
    this.events.tell(event);
  }
}

/** Holds the last `held` events. */
export class FakeEvents implements EventSource {
  lastSeq = 0;
  held = 100;
  readonly epoch: string;
  #events: Event[] = [];
  readonly listeners = new Set<(event: Event) => void>();

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  tell(news: NewEvent): void {
    const event = {
      epoch: this.epoch,
      seq: ++this.lastSeq,
      at: Date.UTC(2026, 0, 1, 12, 0, this.lastSeq),
      kind: news.kind,
      member: 'here',
      worker: news.worker ?? null,
      revision: 1,
      subject: news.subject,
      from: news.from ?? null,
      to: news.to ?? null,
      reason: news.reason,
      evidence: news.evidence,
      actor: news.actor ?? 'gateway',
    } as Event;
    this.#events.push(event);
    if (this.#events.length > this.held) this.#events.shift();
    for (const listener of this.listeners) listener(event);
  }

  since(seq: number): { events: Event[]; missed: number } {
    const oldest = this.#events[0]?.seq ?? this.lastSeq + 1;
    return { events: this.#events.filter((event) => event.seq > seq), missed: Math.max(0, oldest - 1 - seq) };
  }

  subscribe(listener: (event: Event) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
