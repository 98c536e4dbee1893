import { Worker } from 'node:worker_threads';
import type { WorkerCounts } from '../core/counters.ts';
import { siblingModule } from '../core/sibling-module.ts';
import type { Snapshot, UpstreamDelta } from '../core/snapshot.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { batchOctetsMax, type RecordLines } from '../record/batch.ts';
import type { DrainPlan, FromWorker, ListenProblem, OpenListener, ToWorker, WorkerBirth } from './messages.ts';

export interface WorkerListener {
  /** `done` is to be called once its octets are not needed any more. */
  onBatch(batch: Extract<FromWorker, { kind: 'batch' }>, done: () => void): void;
  /** The thread is gone without having been asked to go. `threw` is what it threw, and where, or null. */
  onLost(why: string, threw: string | null): void;
}

export type Applied =
  | { readonly ok: true; readonly listeners: readonly OpenListener[] }
  | { readonly ok: false; readonly lost: false; readonly problems: readonly ListenProblem[] }
  | { readonly ok: false; readonly lost: true; readonly why: string };

/** A worker's turn takes milliseconds; one that has let three of these pass serves nobody. */
const pingEveryMs = 1000;
const missedPingsMax = 3;

/** Looking up a listener's host name takes longest; whoever has not answered then will not. */
const applyMs = 30_000;

/** Main's end of one serving worker. */
export class WorkerHandle {
  readonly id: number;
  state: 'starting' | 'serving' | 'lost' = 'starting';
  revision = 0;
  counts: WorkerCounts | null = null;
  readonly #clock: Clock;
  readonly #thread: Worker;
  readonly #listener: WorkerListener;
  /** Shared with the thread, and still there when the thread is not. */
  readonly #exchangesActive: Int32Array;
  readonly #applying = new Map<number, (applied: Applied) => void>();
  readonly #drained = Promise.withResolvers<void>();
  /** Before that its modules are loading, which on a slow or busy machine takes seconds; `applyMs` bounds that too. */
  #hasSpoken = false;
  #missedPings = 0;
  #pinging: Timer | null = null;
  #why: string | null = null;
  #threw: string | null = null;
  #stopping = false;

  constructor(birth: Omit<WorkerBirth, 'exchangesActive'>, clock: Clock, listener: WorkerListener) {
    this.id = birth.worker;
    this.#clock = clock;
    this.#listener = listener;
    const exchangesActive = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#exchangesActive = new Int32Array(exchangesActive);
    const workerData: WorkerBirth = { ...birth, exchangesActive };
    this.#thread = new Worker(new URL(siblingModule(import.meta.url, './worker-main')), { workerData });
    this.#thread.on('message', (message: FromWorker) => this.#heard(message));
    // Only when the thread has ended are its listeners closed, and may another open them.
    this.#thread.on('error', (error) => {
      this.#why ??= error instanceof Error ? `it threw ${error.name}` : 'it threw';
      this.#threw = thrownText(error);
    });
    this.#thread.on('exit', (code) => this.#lost(this.#why ?? `its thread ended with ${code}`));
    this.#pingLater();
  }

  get threadId(): number {
    return this.#thread.threadId;
  }

  /** At this moment, whether or not the thread still runs. */
  get exchangesActive(): number {
    return this.#exchangesActive[0] ?? 0;
  }

  #heard(message: FromWorker): void {
    this.#hasSpoken = true;
    this.#missedPings = 0;
    switch (message.kind) {
      case 'applied':
        this.state = 'serving';
        this.revision = message.revision;
        this.#answer(message.revision, { ok: true, listeners: message.listeners });
        break;
      case 'rejected':
        this.#answer(message.revision, { ok: false, lost: false, problems: message.failures });
        break;
      case 'drained':
        this.#drained.resolve();
        break;
      case 'batch':
        this.counts = message.counts;
        this.#listener.onBatch(message, () => this.#giveBack(message.lines));
        if (message.lines !== null) this.#send({ kind: 'acknowledge', batches: 1 });
        break;
      case 'unclassified': // It stands in the counts of the next batch.
      case 'pong':
        break;
    }
  }

  /** Small batches are copies, which nobody waits for. */
  #giveBack(lines: RecordLines | null): void {
    const buffer = lines?.octets.buffer;
    if (buffer?.byteLength === batchOctetsMax) this.#send({ kind: 'reuse', buffer }, [buffer]);
  }

  #answer(revision: number, applied: Applied): void {
    this.#applying.get(revision)?.(applied);
    this.#applying.delete(revision);
  }

  /** Resolves in any case: with what the worker says, or with its loss. */
  apply(snapshot: Snapshot): Promise<Applied> {
    if (this.state === 'lost') return Promise.resolve({ ok: false, lost: true, why: 'it had ended' });
    return new Promise((resolve) => {
      const timer = this.#clock.schedule(after(this.#clock.now(), applyMs), answerIsOverdue, this as WorkerHandle);
      this.#applying.set(snapshot.revision, (applied) => {
        timer.cancel();
        resolve(applied);
      });
      this.#send({ kind: 'apply', snapshot });
    });
  }

  /** For the timer of `apply` alone: nobody knows what such a worker has taken, so another has to take its place. */
  giveUp(why: string): void {
    this.#why ??= why;
    void this.#thread.terminate();
  }

  /** Changes that wait for no answer. */
  tellEndpoints(delta: UpstreamDelta): void {
    this.#send({ kind: 'delta', delta });
  }

  /** It serves as before, but is not ready any more, and each connection ends with its next response. */
  takeLeave(): void {
    this.#send({ kind: 'take-leave' });
  }

  /** Its listeners close. Resolves when the worker has nothing left to do. */
  drain(plan: DrainPlan): Promise<void> {
    this.#send({ kind: 'drain', plan });
    return this.#drained.promise;
  }

  /** Ends what is under way, with an answer where none has begun; then it has drained. */
  cut(): void {
    this.#send({ kind: 'cut' });
  }

  async terminate(): Promise<void> {
    this.#stopping = true;
    await this.#thread.terminate();
  }

  #send(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    if (this.state !== 'lost') this.#thread.postMessage(message, transfer);
  }

  #pingLater(): void {
    this.#pinging = this.#clock.schedule(after(this.#clock.now(), pingEveryMs), pingIsDue, this as WorkerHandle);
  }

  /** For `#pinging` alone. Pings are counted, not milliseconds: after a pause of main's own nothing is overdue. */
  ping(): void {
    if (this.state === 'lost' || this.#stopping) return;
    if (this.#missedPings >= missedPingsMax) {
      return this.giveUp(`it has not answered for ${(missedPingsMax * pingEveryMs) / 1000} s`);
    }
    if (this.#hasSpoken) this.#missedPings += 1;
    this.#send({ kind: 'ping' });
    this.#pingLater();
  }

  #lost(why: string): void {
    if (this.state === 'lost') return;
    this.state = 'lost';
    this.#pinging?.cancel();
    this.#drained.resolve();
    for (const revision of [...this.#applying.keys()]) this.#answer(revision, { ok: false, lost: true, why });
    if (!this.#stopping) this.#listener.onLost(why, this.#threw);
  }
}

function pingIsDue(worker: WorkerHandle): void {
  worker.ping();
}

function answerIsOverdue(worker: WorkerHandle): void {
  worker.giveUp(`it has not taken a configuration within ${applyMs / 1000} s`);
}

/** What was thrown and where, without the way there: enough to find the line, and nothing that fills a screen. */
function thrownText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const place = thrown.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return `${thrown.name}: ${thrown.message}${place === undefined ? '' : ` ${place.trim()}`}`;
}
