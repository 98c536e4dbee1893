import type { StoreSpec } from '../core/configuration.ts';
import type { EventSink } from '../core/event.ts';
import type { ProcessConstants } from '../core/logger-messages.ts';
import type { ExchangeRecord } from '../core/record.ts';
import type { RecordRingMemory } from '../core/record-ring-memory.ts';
import type { FromStore, SearchRequest, SearchResult, ToStore } from '../core/store-messages.ts';
import { withTimeout } from '../core/condition.ts';
import type { Clock } from '../core/time.ts';
import { createRecordRing, createWakeWord, droppedIn } from '../record/record-ring.ts';
import { RestartedThread } from './restarted-thread.ts';
import type { WorkerExit } from './worker-exit.ts';

export interface StoredExchangesParts {
  /** The file that the thread of the store runs. */
  readonly storeModule: URL;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly process: ProcessConstants;
}

/** Some 3,000 failures. Untouched pages cost nothing. */
const ringBytes = 4 * 1024 * 1024;

/** The store writes for less than a second after it was told to close. */
const closeMs = 5000;

/**
 * The control plane's side of the thread that stores exchanges and searches them (`store/`). The thread starts when a
 * configuration has a store, and ends when one has none. Records do not pass through the main thread.
 */
export class StoredExchanges {
  readonly #parts: StoredExchangesParts;
  readonly #wakeWord = createWakeWord();
  readonly #lost = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  /** By index of the worker: a worker that replaces a lost one gets the same ring. */
  readonly #rings = new Map<number, RecordRingMemory>();
  #thread: RestartedThread<ToStore, FromStore> | null = null;
  #spec: StoreSpec | null = null;

  constructor(parts: StoredExchangesParts) {
    this.#parts = parts;
  }

  /** The folder of the store; null without one. */
  get path(): string | null {
    return this.#spec?.path ?? null;
  }

  /** Records that were chosen and not stored, since the start. */
  get lost(): number {
    let lost = Atomics.load(this.#lost, 0);
    for (const ring of this.#rings.values()) lost += droppedIn(ring);
    return lost;
  }

  /** The ring of the worker with this index. */
  ringOf(workerIndex: number): RecordRingMemory {
    let memory = this.#rings.get(workerIndex);
    if (memory === undefined) {
      memory = createRecordRing(this.#wakeWord, { linesBytes: ringBytes, failuresBytes: 0 });
      this.#rings.set(workerIndex, memory);
      this.#thread?.send({ kind: 'ring', memory });
    }
    return memory;
  }

  /** Stores there from now on; null: nowhere. */
  async use(spec: StoreSpec | null): Promise<void> {
    if (JSON.stringify(spec) === JSON.stringify(this.#spec)) return;
    this.#spec = spec;
    if (spec === null) return this.close();
    if (this.#thread === null) this.#start();
    else this.#thread.send({ kind: 'use', spec });
  }

  #start(): void {
    const thread = new RestartedThread<ToStore, FromStore>({
      module: this.#parts.storeModule,
      name: 'candor store',
      init: { wakeWord: this.#wakeWord, lost: this.#lost.buffer },
      clock: this.#parts.clock,
      state: () => this.#state(),
      isKept: () => false,
      noAnswer: (request) => ({ kind: 'searched', request, result: noThread }),
      onMessage: ({ event }) => this.#parts.events.emit(event),
      onLost: (exit, restartMs) => this.#onLost(exit, restartMs),
    });
    for (const message of this.#state()) thread.send(message);
    this.#thread = thread;
  }

  /** What a new thread must know. It reads the rings from the first line that was not stored. */
  #state(): readonly ToStore[] {
    const rings = [...this.#rings.values()].map((memory): ToStore => ({ kind: 'ring', memory }));
    const use = this.#spec === null ? [] : [{ kind: 'use', spec: this.#spec } as const];
    return [{ kind: 'process', constants: this.#parts.process }, ...rings, ...use];
  }

  /** The record with this id, or with the only id that begins so; null if it is not stored. */
  async find(id: string): Promise<ExchangeRecord | null> {
    const answer = await this.#thread?.ask({ kind: 'find', id });
    return answer?.kind === 'stored' ? answer.record : null;
  }

  async search(search: SearchRequest): Promise<SearchResult> {
    const answer = await this.#thread?.ask({ kind: 'search', search });
    return answer?.kind === 'searched' ? answer.result : noStore;
  }

  /** Stores what workers have passed on, and ends the thread. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    if (thread === null) return;
    await withTimeout(this.#parts.clock, closeMs, thread.ask({ kind: 'close' }));
    await thread.stop();
  }

  #onLost({ why, threw }: WorkerExit, restartMs: number): void {
    this.#parts.events.emit({
      kind: 'store_lost',
      subject: 'gateway',
      reason: `the thread that stores exchanges is lost: ${why}; another one starts in ${restartMs / 1000} s and goes on with its records`,
      evidence: { reason: why, error: threw, restartMs },
    });
  }
}

const noStore: SearchResult = {
  kind: 'unavailable',
  problem: 'The configuration has no store: `store: { path: ./store }` keeps exchanges for searches.',
};
const noThread: SearchResult = {
  kind: 'unavailable',
  problem: 'The thread of the store has ended; another one starts.',
};
