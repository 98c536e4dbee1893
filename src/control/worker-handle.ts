import type { EndingInstance } from '../core/stream.ts';
import { Worker } from 'node:worker_threads';
import type { WorkerCounts } from '../core/counters.ts';
import type { ManagedTls } from '../core/managed-tls.ts';
import type { FeatureMessages } from '../core/feature.ts';
import type { RouteOverlay } from '../core/overlay.ts';
import type { OwnSocket, PassedSocket } from '../core/passed-socket.ts';
import type { Snapshot, UpstreamDelta } from '../core/snapshot.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { ThreadFigures } from '../core/thread-figures.ts';
import type { WaitingRequests } from '../core/waiting-requests.ts';
import type { DrainPlan, FromWorker, ToWorker, WorkerInit } from '../core/worker-messages.ts';
import { splitSnapshot, type SnapshotPart } from '../core/snapshot-parts.ts';
import { AppliedAnswers } from './applied-answers.ts';
import type { ApplyResult } from './apply-result.ts';
import { WorkerPings } from './worker-pings.ts';
import { workerExitOf, type WorkerExit } from './worker-exit.ts';
import { unreadConnections } from './unread-connections.ts';
import { withCompileCache } from '../system/compile-cache.ts';

export interface WorkerListener {
  onBatch(batch: Extract<FromWorker, { kind: 'batch' }>): void;
  /**
   * The thread ended without being asked to, or ended with exchanges that have no record. `unread`: accepted connections
   * with bytes that it had not read; null: not known.
   */
  onLost(end: WorkerExit, unread: number | null): void;
  /** The worker does not answer. Called again with each further ping. */
  onSilent(): void;
  /** The worker could not accept from a socket of the main thread. */
  onStandInFailed(link: string): void;
}

interface WorkerHandleParts {
  /** The file that the thread runs: control knows its messages, and none of its code. */
  readonly workerModule: URL;
  readonly init: Omit<WorkerInit, 'exchangesActive' | 'exchangesEnded'>;
  readonly clock: Clock;
  readonly listener: WorkerListener;
  /** Of its heap; null: no limit. */
  readonly memoryBytesMax: number | null;
}

/** Looking up a listener's host name takes longest; a worker that has not answered by then will not. */
const answerMs = 30_000;

/** A worker's modules load within a second, on a slow or busy machine within several. */
const loadMs = 30_000;

/**
 * An eighth of V8's default. Measured with a quarter (12) by `npm run soak:slow`, five rounds each: 2,000 slow clients and 2,000 idle ones take
 * 147 MiB instead of 235, and the p99 of other clients is 1.8 times the quiet one instead of 2.1, because each collection moves less. A
 * small GET costs the same (ADR 4). An eighth takes 4 MB less after 5,000 connections, and a small GET costs the same again.
 */
const maxYoungGenerationSizeMb = 6;

const mebibyte = 1024 * 1024;

/** The control plane's side of one worker thread: messages to it, answers from it, and how it ends. */
export class WorkerHandle {
  readonly id: number;
  /** Its index in the shared memory of all workers. */
  readonly workerIndex: number;
  /** Limit of its heap; null: none. The worker itself counts memory outside the heap, such as buffers. */
  readonly memoryBytesMax: number | null;
  state: 'starting' | 'serving' | 'retiring' | 'lost' = 'starting';
  /** The revision that it serves. */
  revision = 0;
  counts: WorkerCounts | null = null;
  /** Null before its first report. */
  thread: ThreadFigures | null = null;
  /** Requests that waited in it at its last report. */
  waiting: readonly WaitingRequests[] = [];
  /** Sockets that it accepts from; a successor may accept from them as well. */
  sockets: readonly OwnSocket[] = [];
  /** Sockets of the predecessor that it should accept from, until it does: from then on its thread closes them, and no other. */
  passedSockets: readonly PassedSocket[];
  readonly #clock: Clock;
  readonly #thread: Worker;
  readonly #listener: WorkerListener;
  /** Shared with the thread, and readable after the thread has ended. */
  readonly #exchangesActive: Int32Array;
  readonly #exchangesEnded: Int32Array;
  readonly #pendingAnswers = new Map<number, (answer: ApplyResult) => void>();
  /** Callers that wait for its next report. */
  readonly #reports: (() => void)[] = [];
  /** Ids of endpoints that it received and has not reported as drained. */
  readonly #known = new Set<string>();
  /** The snapshot that it prepares or has prepared, until it is activated or discarded. */
  #prepared: Snapshot | null = null;
  /** Parts of that snapshot, which the worker asks for one by one. */
  #parts: readonly SnapshotPart[] = [];
  readonly #managedTls: AppliedAnswers;
  readonly #loaded = Promise.withResolvers<void>();
  #loadTimer: Timer | null = null;
  readonly #drained = Promise.withResolvers<void>();
  readonly #pings: WorkerPings;
  /** Why it was given up; null if it was not. */
  #why: string | null = null;
  #exit: WorkerExit | null = null;
  /** Its ports, once it serves. */
  #ports: readonly number[] = [];
  /** Unread connections of all workers at the time when this one was given up because it did not answer. */
  #unreadBefore: ReadonlySet<string> | null = null;
  #stopping = false;

  constructor({ workerModule, init, clock, listener, memoryBytesMax }: WorkerHandleParts) {
    this.id = init.worker;
    this.workerIndex = init.workerIndex;
    this.passedSockets = init.passedSockets;
    this.memoryBytesMax = memoryBytesMax;
    this.#clock = clock;
    this.#listener = listener;
    this.#managedTls = new AppliedAnswers(clock);
    const exchangesActive = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#exchangesActive = new Int32Array(exchangesActive);
    const exchangesEnded = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#exchangesEnded = new Int32Array(exchangesEnded);
    const workerData: WorkerInit = { ...init, exchangesActive, exchangesEnded };
    this.#thread = new Worker(workerModule, {
      workerData,
      name: `candor worker ${init.worker}`,
      ...withCompileCache(),
      ...(memoryBytesMax === null
        ? {}
        : {
            resourceLimits: {
              maxOldGenerationSizeMb: Math.ceil(memoryBytesMax / mebibyte),
              maxYoungGenerationSizeMb,
            },
          }),
    });
    this.#thread.on('message', (message: FromWorker) => this.#onMessage(message));
    // Its listeners are closed, and may be opened by another worker, only after the thread has ended.
    this.#thread.on('error', (error) => {
      this.#exit = workerExitOf(error);
    });
    this.#thread.on('exit', (code) => this.#lost(`its thread ended with ${code}`));
    this.#loadTimer = clock.schedule(after(clock.now(), loadMs), loadingIsOverdue, this as WorkerHandle);
    this.#pings = new WorkerPings({
      clock,
      served: () => this.#exchangesEnded[0] ?? 0,
      send: () => this.#send({ kind: 'ping' }),
      onSilent: () => this.#listener.onSilent(),
      onLost: (why) => this.giveUp(why),
    });
  }

  /** Resolves when its modules are loaded, or when it is lost. */
  get loaded(): Promise<void> {
    return this.#loaded.promise;
  }

  get isSilent(): boolean {
    return this.#pings.isSilent;
  }

  /** It serves and answers, and has not been silent for a while. */
  get hasSteadilyAnswered(): boolean {
    return this.state === 'serving' && this.#pings.isSteady;
  }

  get threadId(): number {
    return this.#thread.threadId;
  }

  /** Current, whether or not the thread still runs. Records of exchanges that have ended are in the ring, so these have none. */
  get exchangesActive(): number {
    return this.#exchangesActive[0] ?? 0;
  }

  #onMessage(message: FromWorker): void {
    this.#pings.onMessage();
    switch (message.kind) {
      case 'ready':
        this.#loadTimer?.cancel();
        this.#loaded.resolve();
        break;
      case 'send-part':
        this.#sendPart(message.revision, message.index);
        break;
      case 'prepared':
        this.#parts = [];
        this.#resolveAnswer(message.revision, { ok: true, listeners: message.listeners });
        break;
      case 'applied':
        if (this.state === 'starting') this.state = 'serving';
        this.revision = message.revision;
        this.sockets = message.sockets;
        this.passedSockets = [];
        this.#resolveAnswer(message.revision, { ok: true, listeners: [] });
        break;
      case 'rejected':
        this.#resolveAnswer(message.revision, rejection(message));
        break;
      case 'drained':
        this.#drained.resolve();
        break;
      case 'batch':
        this.#onBatch(message);
        break;
      case 'stand-in-failed':
        this.#listener.onStandInFailed(message.link);
        break;
      case 'managed-tls-applied':
        this.#managedTls.applied(message.number);
        break;
      case 'unclassified': // The next batch counts it.
      case 'pong':
        break;
    }
  }

  #onBatch(message: Extract<FromWorker, { kind: 'batch' }>): void {
    this.counts = message.counts;
    this.waiting = message.waiting;
    this.thread = message.thread ?? this.thread;
    for (const endpoint of message.drained) this.#known.delete(endpoint);
    this.#listener.onBatch(message);
    this.#reported();
  }

  /** Asks for a report. Resolves with the report or with the worker's loss. */
  report(): Promise<void> {
    if (this.state !== 'serving' && this.state !== 'retiring') return Promise.resolve();
    return new Promise((resolve) => {
      this.#reports.push(resolve);
      if (this.#reports.length === 1) this.#send({ kind: 'report' });
    });
  }

  #reported(): void {
    for (const resolve of this.#reports.splice(0)) resolve();
  }

  #resolveAnswer(revision: number, applied: ApplyResult): void {
    const answer = this.#pendingAnswers.get(revision);
    this.#pendingAnswers.delete(revision);
    answer?.(applied);
  }

  /** Phase one: the worker opens new listeners and holds connections there. Resolves in any case, also with the worker's loss. */
  prepare(snapshot: Snapshot): Promise<ApplyResult> {
    this.#prepared = snapshot;
    const { snapshot: whole, parts } = splitSnapshot(snapshot);
    this.#parts = parts;
    return this.#ask(snapshot.revision, { kind: 'prepare', snapshot: whole, parts: parts.length });
  }

  #sendPart(revision: number, index: number): void {
    const part = this.#parts[index];
    if (part !== undefined && this.#prepared?.revision === revision) this.#send({ kind: 'part', revision, part });
  }

  /** Phase two: the worker serves the prepared snapshot. Resolves in any case. */
  activate(revision: number): Promise<ApplyResult> {
    for (const { endpoints } of this.#prepared?.upstreams ?? []) this.#noteEndpoints(endpoints);
    this.#ports = (this.#prepared?.listeners ?? []).map(({ port }) => port);
    this.#prepared = null;
    return this.#ask(revision, { kind: 'activate', revision });
  }

  /** The prepared snapshot will not be activated. */
  discard(revision: number): void {
    this.#prepared = null;
    this.#send({ kind: 'discard', revision });
  }

  #ask(revision: number, message: ToWorker): Promise<ApplyResult> {
    if (this.state === 'lost')
      return Promise.resolve({ ok: false, workersUnavailable: true, why: this.#why ?? 'it had ended' });
    return new Promise((resolve) => {
      const timer = this.#clock.schedule(after(this.#clock.now(), answerMs), answerIsOverdue, this as WorkerHandle);
      this.#pendingAnswers.set(revision, (applied) => {
        timer.cancel();
        resolve(applied);
      });
      this.#send(message);
    });
  }

  #noteEndpoints(endpoints: UpstreamDelta['endpoints']): void {
    for (const { id } of endpoints) this.#known.add(id);
  }

  /** Whether it received an endpoint whose id has this ending, and has not reported that the endpoint has drained. */
  mayUseEndpoint(ending: string): boolean {
    if (this.state === 'lost') return false;
    for (const id of this.#known) if (id.endsWith(ending)) return true;
    return false;
  }

  /** Ends a worker that does not answer: its state is unknown, so it must be replaced. */
  giveUp(why: string): void {
    this.#why ??= why;
    this.#noteUnread();
    void this.#thread.terminate();
  }

  /** Bytes that a worker has not read are lost with its thread. A worker that answers has read everything. */
  #noteUnread(): void {
    if (this.isSilent) this.#unreadBefore ??= unreadConnections(this.#allPorts);
  }

  /** How many of the connections that were unread when it was given up ended with it. */
  #unreadLost(): number | null {
    const [before, now] = [this.#unreadBefore, this.#unreadBefore && unreadConnections(this.#allPorts)];
    return before === null || now === null ? null : [...before].filter((inode) => !now.has(inode)).length;
  }

  get #allPorts(): ReadonlySet<number> {
    return new Set([...this.#ports, ...this.sockets.map(({ port }) => port)]);
  }

  /** Sends changes of endpoints; no answer follows. */
  sendEndpoints(delta: UpstreamDelta): void {
    // Before its first snapshot it knows no upstream. The control plane sends all endpoints after that snapshot.
    if (this.state === 'starting') return;
    this.#noteEndpoints(delta.endpoints);
    this.#send({ kind: 'delta', delta });
  }

  sendTicketKey(key: Uint8Array): void {
    this.#send({ kind: 'ticket-key', key });
  }

  /** Resolves when it has applied this, is lost, or does not answer. */
  sendManagedTls(certificates: ManagedTls['certificates'] | null, challenges: ManagedTls['challenges']): Promise<void> {
    if (this.state === 'lost') return Promise.resolve();
    return this.#managedTls.ask((number) => this.#send({ kind: 'managed-tls', number, certificates, challenges }));
  }

  /** It applies this to its routes at once; its snapshots carry it too. */
  sendOverlay(overlay: RouteOverlay): void {
    this.#send({ kind: 'overlay', overlay });
  }

  /** It uses this for its routes at once. */
  sendFeatureStates(feature: string, states: FeatureMessages): void {
    this.#send({ kind: 'feature-states', feature, states });
  }

  endTunnelsOf(instance: EndingInstance): void {
    this.#send({ kind: 'end-tunnels', instance });
  }

  /** It goes on serving, but readiness fails, and each connection closes after its next response. */
  announceClose(): void {
    this.#send({ kind: 'announce-close' });
  }

  /** It also accepts from a socket of the main thread, for a worker that does not answer. */
  standIn(socket: PassedSocket): void {
    this.#send({ kind: 'stand-in', socket });
  }

  standDown(link: string): void {
    this.#send({ kind: 'stand-down', link });
  }

  /** Closes its listeners. Resolves when no request or connection is left. */
  drain(plan: DrainPlan): Promise<void> {
    this.#send({ kind: 'drain', plan });
    return this.#drained.promise;
  }

  /** Force closes requests in flight, with a response where none has begun; then it has drained. `atOnce`: before the drain time is over. */
  forceClose(atOnce: boolean): void {
    this.#send({ kind: 'force-close', atOnce });
  }

  /** Resolves when the thread has ended. Exchanges that were still active are reported as lost. */
  async terminate(): Promise<void> {
    this.#stopping = true;
    this.#pings.stop();
    this.#noteUnread();
    await this.#thread.terminate();
  }

  #send(message: ToWorker): void {
    if (this.state !== 'lost') this.#thread.postMessage(message);
  }

  #lost(otherwise: string): void {
    this.#reported();
    if (this.state === 'lost') return;
    // The thread's own error explains more than a missing answer.
    const why = this.#exit?.why ?? this.#why ?? (this.#stopping ? 'it did not end in time' : otherwise);
    this.state = 'lost';
    this.#why = why;
    this.#pings.stop();
    this.#loadTimer?.cancel();
    this.#loaded.resolve();
    this.#drained.resolve();
    this.#managedTls.end();
    for (const revision of [...this.#pendingAnswers.keys()])
      this.#resolveAnswer(revision, { ok: false, workersUnavailable: true, why });
    const hasEndedWell = this.#stopping && this.exchangesActive === 0;
    if (hasEndedWell) return;
    const end = { why, threw: this.#exit?.threw ?? null, code: this.#exit?.code ?? null };
    this.#listener.onLost(end, this.#unreadLost());
  }
}

function answerIsOverdue(worker: WorkerHandle): void {
  worker.giveUp(`it has not taken a configuration within ${answerMs / 1000} s`);
}

function loadingIsOverdue(worker: WorkerHandle): void {
  worker.giveUp(`it has not started within ${loadMs / 1000} s`);
}

function rejection({ failures, why }: Extract<FromWorker, { kind: 'rejected' }>): ApplyResult {
  return why === undefined
    ? { ok: false, workersUnavailable: false, problems: failures }
    : { ok: false, workersUnavailable: true, why };
}
