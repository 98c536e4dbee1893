import type { OverlayValues } from './overlay.ts';

/** Everything that happens to the gateway itself and to what stands behind it. Exchanges have records instead. */
export interface EventFacts {
  process_started: { pid: number; version: string; node: string };
  process_stopping: { reason: string };
  /** `pid`: of the process that is to take over. */
  upgrade_started: { pid: number };
  upgrade_failed: { pid: number; reason: string; errors: readonly string[] };
  upgrade_done: { pid: number; afterMs: number };
  /** Told by the one that took over. `predecessor`: its number; `from`: its version, null where it did not say. */
  upgrade_taken_over: { predecessor: number; pid: number; from: string | null; version: string };
  /** What is under way at the beginning of a phase of the end, and after what time the phase is over in any case. */
  drain_phase: { exchanges: number; tunnels: number; connections: number; limitMs: number };
  configuration_applied: { contentHash: string; source: string; changed: readonly string[] };
  configuration_rejected: { source: string; errors: readonly string[] };
  /** An operator set or cleared an entry of the overlay. Null: there was none; there is none. */
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
   * `unreadConnections`: client connections with bytes that the worker had not read; null where that is not known.
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
  /** It has not answered for `silentMs`: worker `standIn` accepts its new connections until it answers again. */
  worker_silent: { silentMs: number; standIn: number };
  /** It ended soon after its start, and the next one is started only then. */
  worker_restarting: { afterMs: number; failures: number };
  /** The configuration wants fewer, or others: it has closed its listeners, ended what was under way, and is gone. */
  worker_retired: { afterMs: number };
  /** Its checks pass while its requests fail. `pauseMs`: for how long it is out; null where it stays. */
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
  /** What is known of a name changed its standing: `from`, `to` are 'resolving', 'resolved', 'stale', 'failed'. */
  name_state: { name: string; addresses: readonly string[]; cause: string | null; rcode: string | null };
  /** A lookup found other addresses than the one before. */
  name_addresses: { name: string; added: readonly string[]; removed: readonly string[] };
  instance_started: { pid: number; port: number; command: string };
  /** An earlier process had started it, `ranMs` before; it runs on. */
  instance_adopted: { pid: number; port: number; command: string; ranMs: number };
  /** It runs on, for the process that comes next: `successor`, or whoever comes within `graceMs`. */
  instance_detached: { pid: number; port: number; successor: number | null; graceMs: number | null };
  /** What is to outlive this process cannot be written there; or what an earlier one wrote cannot be used. */
  state_unusable: { folder: string; file: string | null; errno: string | null };
  /** Its program could not be started at all. */
  instance_not_started: { command: string; directory: string; errno: string };
  instance_ready: { port: number; passes: number; afterMs: number };
  /** `from` is `to` while it starts. `fix`: what a person can change; null where that is not known. */
  instance_not_ready: { attempts: number; last: string; fix: string | null };
  instance_wrong_listen_address: { expected: string; listensOn: readonly string[] };
  /** It is ready, and strangers may reach it without the gateway. Once for each application. */
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
  instance_restarting: { afterMs: number; failures: number };
  /** `address`: of the last of them, where it is known. `limit`: null where it is not a number of connections. */
  connections_refused: { reason: ConnectionRefusalReason; count: number; limit: number | null; address: string | null };
  /** The process may open fewer files than its configuration may need. */
  descriptors_few: { limit: number; needed: number };
  /** `to`: 'scarce', 'enough'. `closed`: connections that rested, `refused`: clients turned away, since it began. */
  descriptors_exhausted: { limit: number; open: number | null; closed: number; refused: number };
  /** The log was put aside since it had grown to its size. */
  log_rotated: { path: string; bytes: number; keepMax: number };
  /** 'rotate': it goes on in the same file; 'compress': one that was put aside stays as it is. */
  log_not_rotated: { path: string; step: 'rotate' | 'compress'; errno: string };
  /** The file was deleted or moved, and has been opened again. `bytesSaved` of a deleted file were copied. */
  log_reopened: { path: string; was: 'moved' | 'deleted'; bytesSaved: number };
  log_dropped: { what: string; count: number; errno: string | null };
  /** Somebody had the gateway change something: over the admin API, or by a signal. `remote`: an address; null: none. */
  admin_action: { operation: string; outcome: 'done' | 'rejected' | 'failed'; remote: string | null };
  /** The admin API turned requests away. `remote` and `operation` are those of the last of them. */
  admin_refused: { reason: string; count: number; operation: string | null; remote: string | null };
}

/** Why a client that connects is turned away. */
export type ConnectionRefusalReason =
  | 'connections_max'
  | 'connections_per_address_max'
  | 'not_counted'
  | 'descriptors'
  | 'memory';

export type EventKind = keyof EventFacts;

interface EventOf<K extends EventKind> {
  /** Which run of the process; with `seq` it orders events and lets a reader resume. */
  readonly epoch: string;
  /** From 1, without gaps within an epoch. */
  readonly seq: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly kind: K;
  readonly member: string;
  readonly worker: number | null;
  readonly revision: number;
  readonly release: string | null;
  /** What it happened to: 'endpoint:api/127.0.0.1:3000', 'instance:web/1', 'listener:http', 'gateway'. */
  readonly subject: string;
  /** States, where the subject has them. */
  readonly from: string | null;
  readonly to: string | null;
  /** One sentence. */
  readonly reason: string;
  readonly evidence: Readonly<EventFacts[K]>;
  /** Who asked for it: 'gateway', 'signal:SIGHUP', 'admin:socket', 'admin:token:<name>', 'admin:unknown'. */
  readonly actor: string;
}

export type Event = { [K in EventKind]: EventOf<K> }[EventKind];

/** What the one who saw it says; the hub adds epoch, seq, time and member. */
export interface NewEvent<K extends EventKind = EventKind> {
  readonly kind: K;
  readonly subject: string;
  readonly reason: string;
  readonly evidence: EventFacts[K];
  readonly from?: string | null;
  readonly to?: string | null;
  readonly worker?: number | null;
  readonly release?: string | null;
  readonly actor?: string;
}

/** Where events are told. */
export interface EventSink {
  emit<K extends EventKind>(event: NewEvent<K>): void;
}
