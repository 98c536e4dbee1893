import type { AlertChannelSpec } from './alert.ts';
import type { Http2LimitName } from './http2-limit.ts';
import type { ObjectiveKind } from './objective.ts';
import type { HandshakeFailureReason } from './tls-server.ts';
import type { OtlpSignal } from './otlp-counts.ts';
import type { OverlayValues } from './overlay.ts';
import type { StoreFaultFacts } from './store-fault.ts';

/** The kinds of events of the gateway, its endpoints and its applications, with their evidence. Exchanges have records instead. */
export interface EventFacts {
  process_started: { pid: number; version: string; node: string };
  process_stopping: { reason: string };
  /** `pid`: the new process. */
  upgrade_started: { pid: number };
  upgrade_failed: { pid: number; reason: string; errors: readonly string[] };
  upgrade_done: { pid: number; afterMs: number };
  /** Emitted by the successor. `predecessor`: pid of the old process; `from`: its version, null if not known. */
  upgrade_taken_over: { predecessor: number; pid: number; from: string; version: string };
  /** What is in flight at the beginning of a phase of the shutdown, and after what time the phase ends in any case. */
  drain_phase: { exchanges: number; tunnels: number; connections: number; limitMs: number };
  /** `configuration`: the id by which it is kept (`core/kept-configuration.ts`). `returned`: absent: not known. */
  configuration_applied: {
    contentHash: string;
    source: string;
    changed: readonly string[];
    configuration?: number;
    returned?: readonly ReturnedPart[];
  };
  configuration_rejected: { source: string; errors: readonly string[]; configuration?: number | null };
  /** An operator set or cleared an entry of the overlay. Null: no entry before, or none after. */
  overlay_changed: {
    revision: number;
    persisted: boolean;
    before: OverlayValues | null;
    after: OverlayValues | null;
  };
  listener_opened: { listener: string; address: string };
  listener_closed: { listener: string; address: string };
  worker_started: { threadId: number };
  /**
   * `unreadConnections`: client connections with bytes that the worker had not read; null if not known.
   * `error`: the exception that ended the thread, and where it was thrown; null without one. `code`: Node's code of it, such as
   * 'ERR_WORKER_OUT_OF_MEMORY'.
   */
  worker_lost: {
    reason: string;
    exchangesLost: number;
    unreadConnections: number | null;
    error: string | null;
    code: string | null;
  };
  /** The thread that writes the log of exchanges ended by itself; another one starts after `restartMs` and goes on with its lines. */
  logger_lost: { reason: string; error: string | null; restartMs: number };
  /** The thread that stores exchanges ended by itself; another one starts after `restartMs` and goes on with its records. */
  store_lost: { reason: string; error: string | null; restartMs: number };
  /** Exchanges cannot be stored, or are stored again (`to`: 'failing', 'storing'). */
  store_failing: StoreFaultFacts;
  /** The thread that exports over OTLP ended by itself; another one starts after `restartMs` and goes on with its records. */
  otlp_lost: { reason: string; error: string | null; restartMs: number; dropped: number };
  /** The collector takes nothing, or takes it again (`to`: 'failing', 'exporting'). `status`: of its last response; null: there was none. */
  otlp_failing: { endpoint: string; signal: OtlpSignal; status: number | null };
  /** The worker has not answered for `silentMs`: worker `standIn` accepts its new connections until it answers again. */
  worker_silent: { silentMs: number; standIn: number };
  /** The worker ended soon after its start; its replacement starts after `afterMs`. */
  worker_restarting: { afterMs: number; failures: number };
  /**
   * Workers have to be replaced again and again, or not any more (`to`: 'failing', 'stable'): `lost` of them within `lastedMs`, the last one because of
   * `why`. The others are null where it is over.
   */
  workers_failing: {
    lost: number;
    lastedMs: number;
    serving: number | null;
    wanted: number | null;
    why: string | null;
  };
  /** A reload wants fewer or other workers: the worker has closed its listeners, drained, and ended. */
  worker_retired: { afterMs: number };
  /** The checks of an endpoint pass while its requests fail. `pauseMs`: how long it is ejected; null if it stays in use. */
  health_disagreement: {
    address: string;
    check: string;
    requests: number;
    failures: number;
    windowMs: number;
    consecutiveUnreachable: number;
    causes: Readonly<Record<string, number>>;
    pauseMs: number | null;
  };
  endpoint_state: { address: string; check: string };
  /**
   * What applications depend on works otherwise than before (`from`, `to`: 'unknown', 'up', 'degraded', 'down', 'removed'). `fault`: how it fails, null while it is up.
   * `dependents`: the applications. `sinceMs`: so long before the event the first check began that found it so; `otherMs`: the last one that found it otherwise, null: none has.
   */
  dependency_state: {
    dependency: string;
    type: string;
    address: string;
    fault: string | null;
    /** What it did, for sentences about a moment that is over: 'refused connections'. */
    then: string;
    dependents: readonly string[];
    sinceMs: number;
    otherMs: number | null;
    fix: string | null;
  };
  /** The circuit breaker of a route has opened, has become half-open, or has closed. `openMs`: for how long it is open; null: it is not. */
  circuit_breaker: {
    upstream: string;
    requests: number;
    failures: number;
    windowMs: number;
    causes: Readonly<Record<string, number>>;
    openMs: number | null;
  };
  /** An incident: its number in this run of the process, what failed since `startedAt`, and what probably has caused it. */
  incident_opened: IncidentFacts;
  /** It has ten times the failures that were reported last, or something else has begun to fail. */
  incident_grown: IncidentFacts;
  /** Another cause than the one that was told when it opened is the likeliest. Once for an incident. */
  incident_corrected: IncidentFacts;
  incident_resolved: IncidentFacts;
  /** An operator wants no message about an incident until a time, or wants them again (`to`: 'muted', 'unmuted'). `until`: null where they are sent again. */
  incident_muted: { incident: number; key: string; until: string | null; reason: string | null };
  /** What the gateway has found when it looked at once (`IncidentDetails`), each one clause. */
  incident_examined: { incident: number; key: string; findings: readonly string[] };
  /** The resolution state of a name changed: `from`, `to` are 'resolving', 'resolved', 'stale', 'failed'. */
  name_state: { name: string; addresses: readonly string[]; cause: string | null; rcode: string | null };
  /** A lookup found other addresses than the previous one. */
  name_addresses: { name: string; added: readonly string[]; removed: readonly string[] };
  /**
   * A rollout has begun, goes on or has ended (`to`: its state). `release`: the new one; `before`: the one that was in force; `share`: of the requests, that the
   * new one gets; `ordered`: an operator wanted it so.
   */
  rollout: { application: string; rollout: number; release: string; before: string; share: number; ordered: boolean };
  /**
   * Secrets have new values, one was removed, or all are encrypted with another key (`to`: 'set', 'removed', 'key_rotated'). `application`: whose they are; null:
   * of all. `replacing`: applications that get new instances for it.
   */
  secret_changed: {
    application: string | null;
    names: readonly string[];
    revision: number;
    replacing: readonly string[];
  };
  /** `release`: that it runs; null: its application was never deployed. */
  instance_started: { pid: number; port: number; command: string; release: string | null };
  /** The instance was started by an earlier process, `ranMs` before, and was adopted. */
  instance_adopted: { pid: number; port: number; command: string; ranMs: number; release: string | null };
  /** The instance runs on for the next process: for `successor`, or for a process that starts within `graceMs`. */
  instance_detached: { pid: number; port: number; successor: number | null; graceMs: number | null };
  /** State cannot be written to the state folder, or the state of an earlier process cannot be used. */
  state_unusable: { folder: string; file: string | null; errno: string | null };
  /** The program of an instance could not be started. */
  instance_not_started: { command: string; directory: string; errno: string };
  instance_ready: { port: number; passes: number; afterMs: number };
  /** `from` is `to` while it starts. `fix`: what a person can change; null if not known. */
  instance_not_ready: { attempts: number; last: string; fix: string | null };
  instance_wrong_listen_address: { expected: string; listensOn: readonly string[] };
  /** An instance is ready, but clients can bypass the gateway. Once for each application. */
  instance_exposed: { listensOn: string };
  instance_exited: {
    pid: number;
    code: number | null;
    signal: string | null;
    outOfMemory: boolean;
    afterMs: number;
    /** The last lines of output, oldest first, at most 200. */
    output: readonly string[];
  };
  /** Processes of a program of an application were killed for memory, and the program runs on. `limitBytes`: of all its processes together. */
  child_out_of_memory: { application: string; program: string; count: number; limitBytes: number };
  /**
   * An instance that the configuration wants has never become ready and fails again and again, or no longer (`to`: 'failing', 'ready',
   * 'replaced'). `serving`: other instances that serve meanwhile.
   */
  application_not_ready: { application: string; instance: string; restarts: number; serving: readonly string[] };
  instance_restarting: { afterMs: number; failures: number };
  /** A run of a job of an application has begun. `at`: when it was due (RFC 3339); null: by hand, or once for the release. `release`: null: never deployed. */
  job_started: {
    application: string;
    job: string;
    run: number;
    at: string | null;
    release: string | null;
    by: 'schedule' | 'catch_up' | 'once' | 'hand';
  };
  /** `to`: 'succeeded', 'failed'. `ms`: null where its end was not seen. `output`: the last lines, oldest first, at most 20. */
  job_ended: {
    application: string;
    job: string;
    run: number;
    code: number | null;
    signal: string | null;
    ms: number | null;
    output: readonly string[];
  };
  /** A job was not run when it was due, since it still ran. */
  job_skipped: { application: string; job: string; at: string; why: string };
  /** A job was not run when it was due. `isMore`: there were more than were counted. `first`, `last`: RFC 3339. */
  job_missed: {
    application: string;
    job: string;
    count: number;
    isMore: boolean;
    first: string;
    last: string;
    why: string;
  };
  /**
   * The last run of a job has failed, or it could not be started, or it is over (`to`: 'failing', 'succeeded', 'removed'). `run`: null: none was
   * started. `fix`: what a person can do; null where it is over.
   */
  job_failing: {
    application: string;
    job: string;
    run: number | null;
    code: number | null;
    signal: string | null;
    fix: string | null;
  };
  /**
   * A limit of `rate_limits` has refused many requests within ten seconds, or refuses few again (`to`: 'many', 'few'). `client`: who has sent at least half
   * of those that were refused, and `ofClient` how many of them; null: there is none. `fix`: what a person can do; null where it is over.
   */
  limit_refusals: {
    route: string;
    limit: string;
    admitted: number;
    refused: number;
    client: string | null;
    ofClient: number | null;
    fix: string | null;
  };
  /**
   * An instance that was ready ends again and again, or no longer (`to`: 'failing', 'stable'): `ends` within ten minutes. `serving`: other instances of
   * the application that are ready. `fix`: what a person can do. Where it is over, `ends` is 0, `serving` empty and `fix` null.
   */
  application_crash_loop: {
    application: string;
    instance: string;
    ends: number;
    serving: readonly string[];
    fix: string | null;
  };
  /**
   * No endpoint of an upstream has been available for ten seconds, or for a minute since the start, or one is again (`to`: 'unavailable', 'available', 'closed', 'removed').
   * `fix`: what a person can do. Where it is over, `endpoints` is 0, `application` and `fix` are null.
   */
  upstream_unavailable: { upstream: string; application: string | null; endpoints: number; fix: string | null };
  /**
   * Clients are refused, or none of that reason has been for a minute (`to`: 'refusing', 'accepting'). `address`: that of the last refused
   * client, if known. `limit`: null if it is not a number of connections.
   */
  connections_refused: { reason: ConnectionRefusalReason; count: number; limit: number | null; address: string | null };
  /** TLS handshakes of clients failed. `address` and `serverName` are those of the last one. */
  tls_handshakes_failed: {
    reason: HandshakeFailureReason;
    code: string | null;
    count: number;
    address: string;
    serverName: string | null;
  };
  /** Clients began more TLS handshakes than their address may (`perSecond`, in each worker), and waited. `address` is that of the last one. */
  tls_handshakes_delayed: { count: number; address: string; perSecond: number | null };
  /** HTTP/2 connections of clients were ended at a limit, or their clients abandoned too many requests with them. `address` and `delayMs`, how long its next connections wait, are those of the last one. */
  http2_limit_reached: { limit: Http2LimitName; count: number; address: string; delayMs: number };
  /** A certificate of a listener, or one that an endpoint has shown, expires soon, or has expired. `notAfter`: RFC 3339. */
  certificate_not_yet_valid: { names: readonly string[]; notBefore: string; notAfter: string };
  certificate_expiring: { names: readonly string[]; notAfter: string; daysLeft: number };
  /** A CA issued a certificate, which is in use now. `authority`: the URL of the CA's directory. `notAfter`: RFC 3339. */
  certificate_issued: { names: readonly string[]; authority: string; notAfter: string; isRenewal: boolean };
  /**
   * A certificate could not be obtained. `problem`: the type of the CA's problem document. `failures`: in a row.
   * `validUntil`: of the present certificate; null: there is none.
   */
  certificate_renewal_failed: {
    names: readonly string[];
    authority: string;
    cause: string;
    step: string;
    problem: string | null;
    detail: string | null;
    seen: string | null;
    fix: string;
    failures: number;
    retryMs: number;
    validUntil: string | null;
  };
  /** The process may open fewer files than its configuration may need. */
  descriptors_few: { limit: number; needed: number };
  /** `to`: 'scarce', 'refusing', 'enough'. `needed`: by the configuration; `wanted`: what LimitNOFILE should be. `closed`: idle connections that were closed, `refused`: clients that were refused, since the shortage began. */
  descriptors_exhausted: {
    limit: number;
    needed: number;
    wanted: number;
    open: number | null;
    closed: number;
    refused: number;
  };
  /** The log was rotated because it had reached its size. */
  log_rotated: { path: string; bytes: number; keepMax: number };
  /** 'rotate': the log continues in the same file; 'compress': a rotated file stays uncompressed. */
  log_not_rotated: { path: string; step: 'rotate' | 'compress'; errno: string };
  /** The file was deleted or moved, and has been reopened. `bytesSaved` of a deleted file were copied. */
  log_reopened: { path: string; was: 'moved' | 'deleted'; bytesSaved: number };
  /** Another program shortened the file, from `bytesBefore` to `bytes`: the lines that it had are lost. */
  log_truncated: { path: string; bytesBefore: number; bytes: number };
  /** A log of an application (`logs`) is followed again, cannot be followed, or is not followed completely (`to`). */
  log_file_followed: {
    owner: string;
    path: string;
    state: 'following' | 'absent' | 'unreadable';
    skippedBytes: number;
  };
  log_dropped: { what: string; count: number; errno: string | null };
  /** The file system of a folder of the gateway is nearly full, or no longer is (`to`: 'low', 'enough'). */
  disk_space: { path: string; freeBytes: number; totalBytes: number };
  /** The wall clock has moved against the monotonic one by some seconds or more (`from`, `to`: what it showed and shows, as `was` and `is`). Back where `movedMs` is below 0. */
  clock_changed: { was: string; is: string; movedMs: number };
  /** The error budget of an objective (`slo`) is used up too fast, or no longer is, or it is no objective any more (`to`: 'burning', 'kept', 'removed'). `burnRate`: in the long window of `tier`. */
  slo_burning: {
    route: string;
    objective: ObjectiveKind;
    target: number;
    underMs: number | null;
    tier: 'fast' | 'medium' | 'slow' | null;
    burnRate: number;
    budgetLeft: number;
  };
  /** A target has accepted an alert (`alerts`). `alert`: the key of what it is about. */
  alert_sent: { target: string; type: AlertChannelSpec['type']; alert: string; attempts: number; tookMs: number };
  /** `to`: 'retrying' after the first attempt, 'given_up' when no other one follows. */
  alert_failed: {
    target: string;
    type: AlertChannelSpec['type'];
    alert: string;
    attempts: number;
    fix: string;
    retryMs: number | null;
  };
  /**
   * A change was requested through the admin API or by a signal. `remote`: the requester's address; null: none. `target`: what it was
   * requested for, as the requester names it; `why`: why nothing was changed; `overlay`: the entries that it has set or cleared, and the
   * revision with them; `reason`: why, in the words of the requester. Each is absent where there is none.
   */
  admin_action: {
    operation: string;
    outcome: 'done' | 'rejected' | 'failed';
    remote: string | null;
    target?: string;
    why?: string;
    reason?: string;
    overlay?: OverlayAction;
  };
  /** The admin API refused requests. `remote` and `operation` are those of the last one. */
  admin_refused: { reason: string; count: number; operation: string | null; remote: string | null };
}

/** What an action has changed of the overlay; the events `overlay_changed` with this revision tell of the same. */
export interface OverlayAction {
  readonly revision: number;
  /** `after`: the values of the entry; null: it was cleared. */
  readonly entries: readonly { readonly id: string; readonly after: OverlayValues | null }[];
}

/** A changed part of the configuration whose settings this process has had before. */
export interface ReturnedPart {
  /** 'applications: web', 'upstreams: api', 'everything'. */
  readonly part: string;
  /** The last that had them. */
  readonly revision: number;
}

/** Counts are those since `startedAt` (RFC 3339). */
export interface IncidentFacts {
  incident: number;
  /** Unique also across runs of the process. */
  key: string;
  /** '' where it is of several, or of none. */
  upstream: string;
  upstreams: readonly string[];
  family: string;
  /** Those with the most failures first. */
  routes: readonly string[];
  /** The commonest of the failures that began; null: the application itself answers with 5xx. */
  cause: string | null;
  requests: number;
  failed: number;
  attemptsFailed: number;
  startedAt: string;
  /** What has probably caused it, the likeliest first; empty: not known. */
  suspects: readonly { readonly name: string; readonly sentence: string }[];
  nextStep: string | null;
  /** What began to fail while it went on, each one sentence. */
  additions: readonly string[];
  /** Until then no message about it is sent, except of its end; absent: they are. */
  mutedUntil?: string;
  /** The cause that was told when it opened (null: it was not known), and the one that is likelier since; absent: the first one still is. */
  corrected?: { readonly from: NamedCause | null; readonly to: NamedCause };
}

/** An incident that goes on, as it is now. */
export interface PresentIncident {
  readonly facts: IncidentFacts;
  /** Its verdict. */
  readonly reason: string;
  readonly subject: string;
  /** Wall times: when it was opened, and of its last failure. */
  readonly openedAt: number;
  readonly lastAt: number;
  /** What the gateway has found when it looked at once. */
  readonly findings: readonly string[];
}

interface NamedCause {
  readonly name: string;
  readonly sentence: string;
}

/** Why a connection of a client is refused. */
export type ConnectionRefusalReason =
  | 'connections_max'
  | 'connections_per_address_max'
  | 'not_counted'
  | 'descriptors'
  | 'memory';

export type EventKind = keyof EventFacts;

interface EventOf<K extends EventKind> {
  /** Identifies the run of the process; with `seq` it orders events and lets a reader resume. */
  readonly epoch: string;
  /** From 1, without gaps within an epoch. */
  readonly seq: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly kind: K;
  readonly member: string;
  readonly worker: number | null;
  readonly revision: number;
  /** The object of the event: 'endpoint:api/127.0.0.1:3000', 'instance:web/1', 'listener:http', 'gateway'. */
  readonly subject: string;
  /** States, if the subject has states. */
  readonly from: string | null;
  readonly to: string | null;
  /** One sentence. */
  readonly reason: string;
  readonly evidence: Readonly<EventFacts[K]>;
  /** The actor: 'gateway', 'signal:SIGHUP', 'admin:socket', 'admin:token:<name>', 'admin:session:<name>', 'admin:unknown'. */
  readonly actor: string;
}

export type Event = { [K in EventKind]: EventOf<K> }[EventKind];

/** An event as its emitter creates it; the hub adds epoch, seq, time and member. */
export interface NewEvent<K extends EventKind = EventKind> {
  readonly kind: K;
  readonly subject: string;
  readonly reason: string;
  readonly evidence: EventFacts[K];
  readonly from?: string | null;
  readonly to?: string | null;
  readonly worker?: number | null;
  readonly actor?: string;
}

/** Receives events. */
export interface EventSink {
  emit<K extends EventKind>(event: NewEvent<K>): void;
}
