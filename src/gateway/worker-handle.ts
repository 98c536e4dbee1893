import { Worker } from 'node:worker_threads';
import type { WorkerCounts } from '../core/counters.ts';
import { siblingModule } from '../core/sibling-module.ts';
import type { FromWorker, ListenProblem, OpenListener, ToWorker, WorkerBirth } from './messages.ts';
import type { Snapshot } from '../core/snapshot.ts';

export interface WorkerListener {
  onMessage(message: Extract<FromWorker, { kind: 'batch' | 'unclassified' }>): void;
  /** The thread is gone without having been asked to go. */
  onLost(why: string): void;
}

export type Applied =
  | { readonly ok: true; readonly listeners: readonly OpenListener[] }
  | { readonly ok: false; readonly problems: readonly ListenProblem[] };

/** Main's end of one serving worker. */
export class WorkerHandle {
  readonly id: number;
  state: 'starting' | 'serving' | 'lost' = 'starting';
  revision = 0;
  counts: WorkerCounts | null = null;
  readonly #thread: Worker;
  readonly #listener: WorkerListener;
  #applying: ((applied: Applied) => void) | null = null;
  #drained: (() => void) | null = null;
  #stopping = false;

  constructor(birth: WorkerBirth, listener: WorkerListener) {
    this.id = birth.worker;
    this.#listener = listener;
    this.#thread = new Worker(new URL(siblingModule(import.meta.url, './worker-main')), { workerData: birth });
    this.#thread.on('message', (message: FromWorker) => this.#heard(message));
    // Only when the thread has ended are its listeners closed, and may another open them.
    let why: string | null = null;
    this.#thread.on('error', (error) => {
      why = error instanceof Error ? `it threw ${error.name}` : 'it threw';
    });
    this.#thread.on('exit', (code) => this.#lost(why ?? `its thread ended with ${code}`));
  }

  get threadId(): number {
    return this.#thread.threadId;
  }

  #heard(message: FromWorker): void {
    switch (message.kind) {
      case 'applied':
        this.state = 'serving';
        this.revision = message.revision;
        this.#answer({ ok: true, listeners: message.listeners });
        break;
      case 'rejected':
        this.#answer({ ok: false, problems: message.failures });
        break;
      case 'drained':
        this.#drained?.();
        break;
      case 'batch':
        this.counts = message.counts;
        this.#listener.onMessage(message);
        if (message.lines !== null) this.#send({ kind: 'acknowledge', batches: 1 });
        break;
      case 'unclassified':
        this.#listener.onMessage(message);
        break;
    }
  }

  #answer(applied: Applied): void {
    this.#applying?.(applied);
    this.#applying = null;
  }

  apply(snapshot: Snapshot): Promise<Applied> {
    return new Promise((resolve) => {
      this.#applying = resolve;
      this.#send({ kind: 'apply', snapshot });
    });
  }

  /** Changes that wait for no answer. */
  send(message: Extract<ToWorker, { kind: 'delta' }>): void {
    this.#send(message);
  }

  /** Resolves when the worker has nothing left to do. */
  drain(): Promise<void> {
    if (this.state === 'lost') return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.#send({ kind: 'drain' });
    });
  }

  async terminate(): Promise<void> {
    this.#stopping = true;
    await this.#thread.terminate();
  }

  #send(message: ToWorker): void {
    if (this.state !== 'lost') this.#thread.postMessage(message);
  }

  #lost(why: string): void {
    if (this.state === 'lost') return;
    this.state = 'lost';
    this.#drained?.();
    this.#answer({ ok: false, problems: [] });
    if (!this.#stopping) this.#listener.onLost(why);
  }
}
