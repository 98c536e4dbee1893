import { Worker } from 'node:worker_threads';
import type { WorkerCounts } from '../core/counters.ts';
import type { RouteOverlay } from '../core/overlay.ts';
import type { OwnSocket, PassedSocket } from '../core/passed-socket.ts';
import type { Snapshot, UpstreamDelta } from '../core/snapshot.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { batchBytesMax } from '../record/batch.ts';
import type { RecordLines } from '../core/record-lines.ts';
import type { DrainPlan, FromWorker, ToWorker, WorkerInit } from '../core/worker-messages.ts';
import { splitSnapshot, type SnapshotPart } from '../core/snapshot-parts.ts';
import type { ApplyResult } from './apply-result.ts';
import { WorkerPings } from './worker-pings.ts';
import { workerExitOf, type WorkerExit } from './worker-exit.ts';
import { unreadConnections } from './unread-connections.ts';

export interface WorkerListener {
  /** `done` is to be called once its bytes are not needed any more. */
  onBatch(batch: Extract<FromWorker, { kind: 'batch' }>, done: () => void): void;
  /**
   * The thread is gone without having been asked to go, or has taken exchanges with it that nobody has recorded. `unread`:
   * connections that it had accepted and on which something had come that it had not read; null where nobody knows.
   */
  onLost(end: WorkerExit, unread: number | null): void;
  /** It has not answered for a while. Told with each further ping that it does not answer. */
  onSilent(): void;
  /** It does not accept from a socket of the main thread that it was to accept from. */
  onStandInFailed(link: string): void;
}

export interface WorkerHandleParts {
  /** The file that the thread runs: control knows its messages, and none of its code. */
  readonly workerModule: URL;
  readonly init: Omit<WorkerInit, 'exchangesActive' | 'recordsUnsent'>;
  readonly clock: Clock;
  readonly listener: WorkerListener;
  /** Of its heap; null: no limit. */
  readonly memoryBytesMax: number | null;
}

/** Looking up a listener's host name takes longest; whoever has not answered then will not. */
const answerMs = 30_000;

/** Its modules load in a second, on a slow or busy machine in several. */
const loadMs = 30_000;

/**
 * A quarter of what V8 takes. Measured by `npm run soak:slow`, five rounds each: 2,000 slow clients and 2,000 idle ones take
 * 147 MiB in place of 235, and the p99 of others is 1.8 times the quiet one in place of 2.1, since less is moved at once. A
 * small GET costs the same (ADR 7).
 */
const maxYoungGenerationSizeMb = 12;

const mebibyte = 1024 * 1024;

/** Main's end of one serving worker. */
export class WorkerHandle {
  readonly id: number;
  /** Which cells of what workers count together are its own. */
  readonly workerIndex: number;
  /** Of its heap; null: no limit. What lies outside, such as bytes on their way, is counted by the worker itself. */
  readonly memoryBytesMax: number | null;
  state: 'starting' | 'serving' | 'retiring' | 'lost' = 'starting';
  /** The one that it serves by. */
  revision = 0;
  counts: WorkerCounts | null = null;
  /** Those that it accepts from, and that a successor may accept from as well. */
  sockets: readonly OwnSocket[] = [];
  /** Those of the predecessor that it is to accept from. */
  readonly passedSockets: readonly PassedSocket[];
  readonly #clock: Clock;
  readonly #thread: Worker;
  readonly #listener: WorkerListener;
  /** Shared with the thread, and still there when the thread is not. */
  readonly #exchangesActive: Int32Array;
  readonly #recordsUnsent: Int32Array;
  readonly #pendingAnswers = new Map<number, (answer: ApplyResult) => void>();
  /** Those who wait for its next report. */
  readonly #reports: (() => void)[] = [];
  /** Endpoints that it was told of and has not said to be drained: by their ids. */
  readonly #known = new Set<string>();
  /** What it has been asked to prepare, until that is decided. */
  #prepared: Snapshot | null = null;
  /** Of that: what the worker asks for piece by piece. */
  #parts: readonly SnapshotPart[] = [];
  readonly #loaded = Promise.withResolvers<void>();
  #loadTimer: Timer | null = null;
  readonly #drained = Promise.withResolvers<void>();
  readonly #pings: WorkerPings;
  /** Why it was given up, where it was. */
  #why: string | null = null;
  #exit: WorkerExit | null = null;
  /** Its ports, once it serves. */
  #ports: readonly number[] = [];
  /** Of all workers, when this one was given up because it did not answer. */
  #unreadBefore: ReadonlySet<string> | null = null;
  #stopping = false;

  constructor({ workerModule, init, clock, listener, memoryBytesMax }: WorkerHandleParts) {
    this.id = init.worker;
    this.workerIndex = init.workerIndex;
    this.passedSockets = init.passedSockets;
    this.memoryBytesMax = memoryBytesMax;
    this.#clock = clock;
    this.#listener = listener;
    const exchangesActive = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#exchangesActive = new Int32Array(exchangesActive);
    const recordsUnsent = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#recordsUnsent = new Int32Array(recordsUnsent);
    const workerData: WorkerInit = { ...init, exchangesActive, recordsUnsent };
    this.#thread = new Worker(workerModule, {
      workerData,
      name: `candor worker ${init.worker}`,
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
    // Only when the thread has ended are its listeners closed, and may another open them.
    this.#thread.on('error', (error) => {
      this.#exit = workerExitOf(error);
    });
    this.#thread.on('exit', (code) => this.#lost(`its thread ended with ${code}`));
    this.#loadTimer = clock.schedule(after(clock.now(), loadMs), loadingIsOverdue, this as WorkerHandle);
    this.#pings = new WorkerPings({
      clock,
      send: () => this.#send({ kind: 'ping' }),
      onSilent: () => this.#listener.onSilent(),
      onLost: (why) => this.giveUp(why),
    });
  }

  /** Resolves when it answers at once from now on, or is lost. */
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

  /** At this moment, whether or not the thread still runs. */
  get exchangesActive(): number {
    return this.#exchangesActive[0] ?? 0;
  }

  /** Exchanges that would have no record if the thread ended now: those under way, and those whose record is still there. */
  get exchangesUnrecorded(): number {
    return this.exchangesActive + (this.#recordsUnsent[0] ?? 0);
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
        this.#resolveAnswer(message.revision, { ok: true, listeners: [] });
        break;
      case 'rejected':
        this.#resolveAnswer(message.revision, { ok: false, lost: false, problems: message.failures });
        break;
      case 'drained':
        this.#drained.resolve();
        break;
      case 'batch':
        this.counts = message.counts;
        for (const endpoint of message.drained) this.#known.delete(endpoint);
        this.#listener.onBatch(message, () => this.#returnBuffer(message.lines));
        this.#reported();
        if (message.lines !== null) this.#send({ kind: 'acknowledge', batches: 1 });
        break;
      case 'stand-in-failed':
        this.#listener.onStandInFailed(message.link);
        break;
      case 'unclassified': // It stands in the counts of the next batch.
      case 'pong':
        break;
    }
  }

  /** Resolves with its next report, which is asked for, or with its loss. */
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

  /** Small batches are copies, which nobody waits for. */
  #returnBuffer(lines: RecordLines | null): void {
    const buffer = lines?.bytes.buffer;
    if (buffer?.byteLength === batchBytesMax) this.#send({ kind: 'reuse', buffer }, [buffer]);
  }

  #resolveAnswer(revision: number, applied: ApplyResult): void {
    const answer = this.#pendingAnswers.get(revision);
    this.#pendingAnswers.delete(revision);
    answer?.(applied);
  }

  /** Has it open what is new in a snapshot, and hold what connects there. Resolves in any case, if only with its loss. */
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

  /** Has it serve by what it has prepared. Resolves in any case. */
  activate(revision: number): Promise<ApplyResult> {
    for (const { endpoints } of this.#prepared?.upstreams ?? []) this.#noteEndpoints(endpoints);
    this.#ports = (this.#prepared?.listeners ?? []).map(({ port }) => port);
    this.#prepared = null;
    return this.#ask(revision, { kind: 'activate', revision });
  }

  /** What it has prepared is not to be. */
  discard(revision: number): void {
    this.#prepared = null;
    this.#send({ kind: 'discard', revision });
  }

  #ask(revision: number, message: ToWorker): Promise<ApplyResult> {
    if (this.state === 'lost') return Promise.resolve({ ok: false, lost: true, why: this.#why ?? 'it had ended' });
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

  /** Whether it was told of an endpoint whose id ends so, and has not said that nothing is under way there any more. */
  mayUse(ending: string): boolean {
    if (this.state === 'lost') return false;
    for (const id of this.#known) if (id.endsWith(ending)) return true;
    return false;
  }

  /** For those who wait for its answers: nobody knows what it has taken, so another has to take its place. */
  giveUp(why: string): void {
    this.#why ??= why;
    this.#noteUnread();
    void this.#thread.terminate();
  }

  /** What a worker has not read is gone with its thread: one that answers reads everything at once. */
  #noteUnread(): void {
    if (this.isSilent) this.#unreadBefore ??= unreadConnections(this.#allPorts);
  }

  /** Of the connections that were unread when it was given up, those that have ended with it. */
  #unreadLost(): number | null {
    const [before, now] = [this.#unreadBefore, this.#unreadBefore && unreadConnections(this.#allPorts)];
    return before === null || now === null ? null : [...before].filter((inode) => !now.has(inode)).length;
  }

  get #allPorts(): ReadonlySet<number> {
    return new Set([...this.#ports, ...this.sockets.map(({ port }) => port)]);
  }

  /** Changes that wait for no answer. */
  sendEndpoints(delta: UpstreamDelta): void {
    // Before it serves it knows no upstream, and what its first snapshot does not say yet is told anew after that.
    if (this.state === 'starting') return;
    this.#noteEndpoints(delta.endpoints);
    this.#send({ kind: 'delta', delta });
  }

  /** It applies this to its routes at once; its snapshots carry it too. */
  sendOverlay(overlay: RouteOverlay): void {
    this.#send({ kind: 'overlay', overlay });
  }

  /** It serves as before, but is not ready any more, and each connection ends with its next response. */
  announceClose(): void {
    this.#send({ kind: 'announce-close' });
  }

  /** It accepts also from a socket of the main thread, in place of a worker that does not answer. */
  standIn(socket: PassedSocket): void {
    this.#send({ kind: 'stand-in', socket });
  }

  standDown(link: string): void {
    this.#send({ kind: 'stand-down', link });
  }

  /** Its listeners close. Resolves when the worker has nothing left to do. */
  drain(plan: DrainPlan): Promise<void> {
    this.#send({ kind: 'drain', plan });
    return this.#drained.promise;
  }

  /** Ends what is under way, with an answer where none has begun; then it has drained. `atOnce`: before its time was over. */
  forceClose(atOnce: boolean): void {
    this.#send({ kind: 'force-close', atOnce });
  }

  /** Resolves when the thread is gone. What it still had under way is told as lost. */
  async terminate(): Promise<void> {
    this.#stopping = true;
    this.#pings.stop();
    this.#noteUnread();
    await this.#thread.terminate();
  }

  #send(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    if (this.state !== 'lost') this.#thread.postMessage(message, transfer);
  }

  #lost(otherwise: string): void {
    this.#reported();
    if (this.state === 'lost') return;
    // What the thread itself has met says more than that it did not answer.
    const why = this.#exit?.why ?? this.#why ?? (this.#stopping ? 'it did not end in time' : otherwise);
    this.state = 'lost';
    this.#why = why;
    this.#pings.stop();
    this.#loadTimer?.cancel();
    this.#loaded.resolve();
    this.#drained.resolve();
    for (const revision of [...this.#pendingAnswers.keys()])
      this.#resolveAnswer(revision, { ok: false, lost: true, why });
    const hasEndedWell = this.#stopping && this.exchangesUnrecorded === 0;
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
