import type { FeatureRefusal, FeatureStates } from '../core/feature.ts';
import type { EndpointResponses, StageTimes } from '../core/attempt-counts.ts';
import type { ThreadFigures } from '../core/thread-figures.ts';
import type { FoundContext } from '../core/request-context.ts';
import type {
  EventSearchRequest,
  EventSearchResult,
  OutputSearchResult,
  SearchRequest,
  SearchResult,
  GroupResult,
} from '../core/store-messages.ts';
import type { Http2ErrorCount } from '../core/http2-error.ts';
import type { Http2LimitCount } from '../core/http2-limit.ts';
import type { FailedHandshakeTotal } from './handshake-report.ts';
import type { ExchangeCount, WorkerCounts } from '../core/counters.ts';
import type { Event, EventSink } from '../core/event.ts';
import type { OwnSocket } from '../core/passed-socket.ts';
import type { KeptConfigurations } from './configuration-history.ts';
import type { SettingMap } from './effective-configuration.ts';
import type { RouteQuestion } from './route-question.ts';
import type { TrafficRequest } from './traffic-timeline.ts';
import type { HandoffResult, HandoffSuccessor } from './application-handoff.ts';
import type { FailureSummary } from './failure-report.ts';
import type { OverlayChange } from './overlay-change.ts';
import type { AlertTestResult } from '../core/schemas/alerts.ts';
import type { IncidentOrder } from '../core/live-incident.ts';
import type { MarkOutcome } from '../incidents/incident-marks.ts';
import type { CostAnswer, UsageNow, UsageRequest, UsageSeries } from '../core/schemas/usage.ts';
import type { JobStatus } from '../core/schemas/jobs.ts';
import type { ProgramTotals } from './program-counts.ts';
import type { JobsPart } from '../features/jobs/main.ts';
import type { IncidentStatus } from '../core/schemas/incidents.ts';
import type { ApplicationReleasesStatus, ReleaseLogText, ReleasePlan } from '../core/schemas/releases.ts';
import type { ReleaseRefusal } from '../deploy/release-refusal.ts';
import type { Result } from '#failures/result.ts';
import type { ReleaseResponses } from './release-totals.ts';
import type { DeployOrder } from './release-making.ts';
import type { RolloutChange, RolloutOutcome } from './releases.ts';
import type { GroupRequest } from '../core/exchange-groups.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { TrafficTimeline, RouteExplanation, RouteTimelines } from '../core/schemas/traffic.ts';
import type { OverlayStatus, GatewayStatus, OtlpStatus } from '../core/schemas/status.ts';

export type { FailureSummary, HandoffResult, HandoffSuccessor, OverlayChange };

/** What features say, whose parts in the main thread alone know it (`status` in `features/main-feature.ts`). */
export type FeatureSections = Pick<
  GatewayStatus,
  | 'objectives'
  | 'bounds'
  | 'access'
  | 'authentication'
  | 'signedLinks'
  | 'maintenanceWindows'
  | 'rateLimits'
  | 'rateTable'
  | 'breakers'
  | 'dependencies'
  | 'resources'
>;

/** A running gateway, as the control plane (`admin/`) and the commands (`cli/`) see it. */
export interface Gateway extends EventSink {
  /** The same as in `status`, which costs some milliseconds with 1,000 endpoints. */
  readonly state: GatewayStatus['state'];
  status(): GatewayStatus;
  /**
   * Asks workers for their counts, so that `status` and `counts` are current afterwards. A worker that does not answer
   * within 100 ms is shown with its last report.
   */
  refreshCounts(): Promise<void>;
  /** Asks the store how long responses take, so that `status` can say which timeouts do not fit; at most once a minute. */
  refreshResponseTimes(): Promise<void>;
  /**
   * Reads the configuration from its source again and applies it completely, or changes nothing.
   * `actor` names the requester ('signal:SIGHUP', 'admin:socket').
   */
  reload(actor: string): Promise<ReloadOutcome>;
  /** The changes that operators have made at run time. */
  overlay(): OverlayStatus;
  /**
   * Sets or clears entries of the overlay. With `ifRevision` only if the overlay has that revision. Resolves when every
   * worker has been sent the change; a worker applies it before the next request that it reads.
   */
  changeOverlay(change: OverlayChange, actor: string, ifRevision?: number | null): Promise<OverlayOutcome>;
  /** Drains and stops everything; a second call ends at once. Resolves when nothing is left running. */
  stop(why: string, how?: StopOptions): Promise<void>;
  /**
   * Hands the applications off to a running successor, which finds them in the state folder: this process no longer starts
   * them, reads their output, or stops them; requests are served as before. Applications that cannot be handed off
   * stay, and end with `stop`.
   */
  handOff(successor: HandoffSuccessor): Promise<HandoffResult>;
  /** The key of TLS session tickets, for a successor; see `core/worker-messages.ts`. A secret. */
  readonly ticketKey: { readonly key: Uint8Array; readonly ageMs: number };
  /** What the parts of features go on with in a successor. */
  featureStates(): FeatureStates;
  /** What has come since, while the successor serves already. */
  moreFeatureStates(): FeatureStates;
  /** What the predecessor has counted since it has handed over. */
  takeMoreFeatureStates(states: FeatureStates): void;
  /** Sockets that the workers have opened, from which a successor may accept too; without those of the service manager. */
  listeningSockets(): readonly OwnSocket[];
  /**
   * After `handOff`, if the successor has failed: supervises the applications as before. False if the successor has adopted them
   * and runs, and after `stop`: then the watchdog ends them some seconds after this process.
   */
  rollBackHandoff(): Promise<boolean>;
  /** Reopens the log files under their names (SIGUSR1, SIGUSR2). */
  reopenLogs(): Promise<void>;
  /** Events that are still held, those after `seq` of `epoch`, and new ones; see `record/event-hub.ts`. */
  readonly events: EventSource;
  /** The record of an exchange: from memory, else from the log file. */
  findExchange(id: string): Promise<ExchangeRecord | null>;
  /** Incidents that go on, then resolved ones, each the latest first. */
  incidents(): readonly IncidentStatus[];
  /** The configurations that were applied and refused. */
  readonly configurations: KeptConfigurations;
  /** What the gateway runs, with all defaults, without secrets. */
  effectiveConfiguration(): SettingMap;
  /** Which route a request would take, and why. */
  explainRoute(question: RouteQuestion): Promise<RouteExplanation>;
  /** Requests over time, of everything, of an upstream or of a route. */
  timeline(request: TrafficRequest): TrafficTimeline;
  /** Requests and errors of each route over time. */
  routeTimelines(request: Omit<TrafficRequest, 'series'>): RouteTimelines;
  /** What applications use now. */
  usageNow(): Promise<UsageNow>;
  /** What they have used, over time. */
  usageSeries(request: UsageRequest): Promise<UsageSeries>;
  /** What they have used between two times, what it costs, and what the month will cost. */
  usageCost(since: number, until: number): Promise<CostAnswer>;
  /** Sends a test to one target of `alerts`, or to all. Null: there is none. */
  testAlerts(target: string | null): Promise<readonly AlertTestResult[] | null>;
  /** Searches the stored exchanges. */
  searchExchanges(search: SearchRequest): Promise<SearchResult>;
  /** Counts the stored exchanges that a search finds by one of their values. */
  groupExchanges(group: GroupRequest): Promise<GroupResult>;
  /**
   * Starts an instance of an application anew: a new one runs beside it until it is ready, unless the application has a fixed port. False: there
   * is no such instance, or it ends already.
   */
  restartInstance(instance: string): boolean;
  /** The jobs of applications. */
  jobs(): readonly JobStatus[];
  /** Runs one now; `onLine`: what it prints, without secrets. Null: there is no such job. */
  runJob(job: string, actor: string, onLine: (line: string) => void): ReturnType<JobsPart['startByHand']>;
  /** The releases of the applications that were deployed. */
  releases(): readonly ApplicationReleasesStatus[];
  /** What the build of a release has printed; `release`: its name or number. Null: there is no log of it. */
  releaseLog(application: string, release: string): Promise<ReleaseLogText | null>;
  /** Makes a release and begins to roll it out; resolves when its instances are being started. */
  deploy(order: DeployOrder, actor: string): Promise<RolloutOutcome>;
  /** What `deploy` would release. Changes nothing. */
  planDeploy(order: DeployOrder): Promise<Result<ReleasePlan, ReleaseRefusal>>;
  /** Ends a rollout, or begins one back to a release. */
  changeRollout(change: RolloutChange, actor: string): Promise<RolloutOutcome>;
  /** Asks a feature of the main thread, by its name, whose schema the caller knows. */
  askFeature(feature: string, request: object, actor: string): Promise<Result<object, FeatureRefusal>>;
  /** Acknowledges or mutes an incident. */
  markIncident(order: IncidentOrder, actor: string): MarkOutcome<IncidentStatus>;
  /** Searches the stored output of applications. */
  searchOutput(search: SearchRequest): Promise<OutputSearchResult>;
  /** What is stored about a request besides its record. */
  requestContext(record: ExchangeRecord): Promise<FoundContext>;
  /** Events of a time: the stored ones, also of earlier runs; without a store those that are still held. */
  searchEvents(search: EventSearchRequest): Promise<EventSearchResult>;
  counts(): {
    readonly exchanges: readonly ExchangeCount[];
    /** Workers that are gone are summed up as worker 0. */
    readonly workers: readonly WorkerCounts[];
    readonly workersLost: number;
    /** Of attempts, by endpoint, method and status, and the times of their stages. */
    readonly responses: readonly EndpointResponses[];
    readonly releases: readonly ReleaseResponses[];
    readonly stages: readonly StageTimes[];
    /** What the threads of current workers use. */
    readonly threads: readonly { readonly worker: number; readonly figures: ThreadFigures }[];
    readonly logDropped: number;
    /** Records that were to be stored, and were lost. */
    readonly storeLost: number;
    /** What was exported over OTLP, by signal; empty without a collector. */
    readonly otlp: OtlpStatus['signals'];
    readonly failedHandshakes: readonly FailedHandshakeTotal[];
    readonly http2Limits: readonly Http2LimitCount[];
    readonly http2Errors: readonly Http2ErrorCount[];
    /** Of applications. */
    readonly programs: ProgramTotals;
  };
}

export interface StopOptions {
  /** Another process listens on the same ports: no lame-duck time is needed, and connections may send a last request. */
  readonly hasSuccessor?: boolean;
  /** Detached applications run on for a process that starts within this time; null: they are stopped. */
  readonly detachApplicationsMs?: number | null;
}

/** Callbacks for a terminal that shows a running gateway; given to `startGateway` as `watcher`. Absent callbacks cost nothing. */
export interface GatewayWatcher {
  /** Each event, including those before `startGateway` resolves. */
  onEvent?(event: Event): void;
  /** The record of each exchange whose shape is not 'none', soon after its end; with `onFailuresSkipped` at most 200 a second. */
  onFailedExchange?(record: ExchangeRecord): void;
  /** How many further exchanges failed, whose records were not read: in a failure burst they would keep the main thread busy. */
  onFailuresSkipped?(count: number): void;
  /** Every record, as whole lines of the exchange log. If it is present, `onFailedExchange` is not called. */
  onRecords?(lines: Uint8Array): void;
  /** Failures with level error or warning, by cause and subject: the first one, then sums. */
  onFailures?(summary: FailureSummary): void;
  /** One line that an instance printed. */
  onOutput?(instance: string, stream: 'stdout' | 'stderr', line: string): void;
}

export interface EventSource {
  readonly epoch: string;
  /** The last event's number; 0 before the first. */
  readonly lastSeq: number;
  /**
   * Events after `seq`, oldest first. `missed` counts those that are no longer held (a gap).
   */
  since(seq: number): { readonly events: readonly Event[]; readonly missed: number };
  /** Calls back for each new event until the returned function is called. */
  subscribe(listener: (event: Event) => void): () => void;
}

export type ReloadOutcome =
  | {
      readonly ok: true;
      readonly revision: number;
      readonly changed: readonly string[];
      /** Entries of the overlay that win over the file, one sentence each. */
      readonly overlay: readonly string[];
    }
  | ReloadRejection;

export interface ReloadRejection {
  readonly ok: false;
  /**
   * 'invalid': the configuration has errors. 'refused': this gateway cannot reload now, whatever the configuration says.
   * 'failed': the configuration is valid, but could not be applied.
   */
  readonly kind: 'invalid' | 'refused' | 'failed';
  /** The errors, one line each; for a refusal one sentence. Nothing has changed. */
  readonly errors: readonly string[];
}

export type OverlayOutcome =
  | {
      readonly ok: true;
      /** False if the overlay already had these entries. */
      readonly changed: boolean;
      /** Ids of the entries that were set or cleared. */
      readonly affected: readonly string[];
      /** What the operator should know, one sentence each. */
      readonly warnings: readonly string[];
      readonly overlay: OverlayStatus;
    }
  | {
      readonly ok: false;
      /** 'refused': not possible now. 'conflict': the overlay has another revision. 'unknown_target': no target has that name. */
      readonly kind: 'refused' | 'conflict' | 'unknown_target';
      /** One or two sentences. Nothing has changed. */
      readonly why: string;
    };
