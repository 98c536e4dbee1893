import type { DescriptorNeed } from '../core/descriptor-need.ts';
import type { StoreSpec } from '../core/configuration.ts';
import type { NewEvent, Event } from '../core/event.ts';
import type { GroupRequest } from '../core/exchange-groups.ts';
import type { OutputLine } from '../core/output-line.ts';
import type { ProcessConstants } from '../core/logger-messages.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { RecordRingMemory } from '../core/record-ring-memory.ts';
import { type ContextSearch, noContext, type StoredContext } from '../core/request-context.ts';
import type {
  EventSearchRequest,
  EventSearchResult,
  FromStore,
  OutputSearchResult,
  SearchRequest,
  SearchResult,
  ToStore,
  GroupResult,
} from '../core/store-messages.ts';
import { withTimeout } from '../core/condition.ts';
import type { ResponseTimes, TroubledTime } from '../core/response-times.ts';
import type { Clock, Instant } from '../core/time.ts';
import type { EventHub } from '../record/event-hub.ts';
import { eventLine } from '../record/event-line.ts';
import type { StoreStatus } from '../core/schemas/status.ts';
import { RestartedThread } from './restarted-thread.ts';
import type { WorkerExit } from './worker-exit.ts';
import { WorkerRings } from './worker-rings.ts';
import { eventJson } from '../core/event-json.ts';

interface StoredExchangesParts {
  /** The file that the thread of the store runs. */
  readonly storeModule: URL;
  readonly clock: Clock;
  readonly events: EventHub;
  readonly process: ProcessConstants;
  /** How many descriptors the process may have, and how many the configuration may need; null: the limit is not known. */
  readonly descriptors: () => DescriptorNeed | null;
  /** The gateway runs a file, which may get a `store`; `candor run` has none. */
  readonly hasFile?: boolean;
}

/** Some 3,000 failures. Untouched pages cost nothing. */
const ringBytes = 4 * 1024 * 1024;

/** What a route takes changes slowly; reading it takes the store up to 200 ms. */
const timesReadEveryMs = 60_000;
const timesWaitMs = 500;

/** The store writes for less than a second after it was told to close. */
const closeMs = 5000;

/**
 * The control plane's side of the thread that stores exchanges and events, and searches them (`store/`). The thread starts when a
 * configuration has a store, and ends when one has none. Records do not pass through the main thread.
 */
export class StoredExchanges {
  readonly #parts: StoredExchangesParts;
  readonly #lost = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  /** Of the thread that runs: lines and notes that it was sent, and how many of them it has stored or counted as lost. */
  #entriesSent = 0;
  readonly #entriesDone = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #rings = new WorkerRings((memory) => this.#thread?.send({ kind: 'ring', memory }), {
    linesBytes: ringBytes,
    failuresBytes: 0,
  });
  #thread: RestartedThread<ToStore, FromStore> | null = null;
  #spec: StoreSpec | null = null;
  /** The last event that is stored: a thread that replaces another one gets those after it. */
  #eventsStored = 0;

  #responseTimes: readonly ResponseTimes[] = [];
  #timesReadAt: Instant | null = null;

  constructor(parts: StoredExchangesParts) {
    this.#parts = parts;
    parts.events.subscribe((event) => this.#thread?.send({ kind: 'events', events: [eventLine(event)] }));
  }

  get #noStore(): Extract<SearchResult, { readonly kind: 'unavailable' }> {
    return { kind: 'unavailable', problem: this.#parts.hasFile === false ? noFile : noStore };
  }

  /** The folder of the store; null without one. */
  get path(): string | null {
    return this.#spec?.path ?? null;
  }

  /** Records, events, lines of applications and notes about their processes that were to be stored and were not, since the start. */
  get lost(): number {
    return Atomics.load(this.#lost, 0) + this.#rings.dropped;
  }

  /** By route, as they were last read. */
  get responseTimes(): readonly ResponseTimes[] {
    return this.#thread === null ? [] : this.#responseTimes;
  }

  /** Reads them once more if that was some time ago. A thread that is busy answers later, and the next status has it. */
  async refreshResponseTimes(incidents: readonly TroubledTime[]): Promise<void> {
    const thread = this.#thread;
    const { clock } = this.#parts;
    const now = clock.now();
    if (thread === null || (this.#timesReadAt !== null && now - this.#timesReadAt < timesReadEveryMs)) return;
    this.#timesReadAt = now;
    const read = thread.ask({ kind: 'times', incidents }).then((answer) => {
      if (answer.kind === 'times_found') this.#responseTimes = answer.times;
    });
    await withTimeout(clock, timesWaitMs, read);
  }

  get status(): Omit<StoreStatus, 'leftOut'> | null {
    return this.path === null ? null : { path: this.path, lost: this.lost };
  }

  /** The ring of the worker with this index. */
  ringOf(workerIndex: number): RecordRingMemory {
    return this.#rings.of(workerIndex);
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
    this.#entriesSent = 0;
    Atomics.store(this.#entriesDone, 0, 0);
    const thread = new RestartedThread<ToStore, FromStore>({
      module: this.#parts.storeModule,
      name: 'candor store',
      init: { wakeWord: this.#rings.wakeWord, lost: this.#lost.buffer, entriesDone: this.#entriesDone.buffer },
      clock: this.#parts.clock,
      state: () => this.#state(),
      isKept: () => false,
      noAnswer: (request) => ({ kind: 'searched', request, result: noThread }),
      onMessage: (message) => {
        if (message.kind === 'event') this.#emit(message.event);
        else this.#eventsStored = message.through;
      },
      onLost: (exit, restartMs) => this.#onLost(exit, restartMs),
    });
    for (const message of this.#state()) thread.send(message);
    this.#thread = thread;
  }

  #emit(event: NewEvent<'store_failing'>): void {
    const isOfDescriptors = event.evidence.fault === 'descriptors_exhausted';
    const need = isOfDescriptors ? this.#parts.descriptors() : null;
    this.#parts.events.emit({ ...event, evidence: { ...event.evidence, ...need } });
  }

  /** What a new thread must know. It reads the rings from the first line that was not stored. */
  #state(): readonly ToStore[] {
    const use = this.#spec === null ? [] : [{ kind: 'use', spec: this.#spec } as const];
    const events = this.#parts.events.since(this.#eventsStored).events.map(eventLine);
    return [
      { kind: 'process', constants: this.#parts.process },
      ...this.#rings.messages,
      ...use,
      { kind: 'events', events },
    ];
  }

  /** The record with this id, or with the only id that begins so; null if it is not stored. */
  async find(id: string): Promise<ExchangeRecord | null> {
    const answer = await this.#thread?.ask({ kind: 'find', id });
    return answer?.kind === 'stored' ? answer.record : null;
  }

  /** Stores lines of applications; without a store it does nothing. */
  storeOutput(lines: readonly OutputLine[]): void {
    this.#sendEntries(lines.length, { kind: 'output', lines });
  }

  /** Stores notes about processes of applications; without a store it does nothing. */
  storeProcesses(notes: readonly ProcessNote[]): void {
    this.#sendEntries(notes.length, { kind: 'processes', notes });
  }

  #sendEntries(count: number, message: ToStore): void {
    if (this.#thread === null) return;
    // While another thread starts, nothing takes them.
    if (!this.#thread.isRunning) return this.#countLost(count);
    this.#entriesSent += count;
    this.#thread.send(message);
  }

  /** What is stored about a request besides its record; nothing without a store. */
  async context(search: ContextSearch): Promise<StoredContext> {
    const answer = await this.#thread?.ask({ kind: 'context', search });
    return answer?.kind === 'context_found' ? answer.context : noContext;
  }

  async searchOutput(search: SearchRequest): Promise<OutputSearchResult> {
    const answer = await this.#thread?.ask({ kind: 'search_output', search });
    return answer?.kind === 'output_found' ? answer.result : this.#noStore;
  }

  async search(search: SearchRequest): Promise<SearchResult> {
    const answer = await this.#thread?.ask({ kind: 'search', search });
    return answer?.kind === 'searched' ? answer.result : this.#noStore;
  }

  /** Counts what a search finds by one of its values. */
  async group(group: GroupRequest): Promise<GroupResult> {
    const answer = await this.#thread?.ask({ kind: 'group', group });
    return answer?.kind === 'grouped' ? answer.result : this.#noStore;
  }

  /** Events of a time, also of earlier runs; those of this run that are still held, if there is no store. */
  async searchEvents(search: EventSearchRequest): Promise<EventSearchResult> {
    const answer = await this.#thread?.ask({ kind: 'search_events', search });
    if (answer === undefined) return heldEvents(this.#parts.events.since(0).events, search);
    return answer.kind === 'events_found' ? answer.result : noThread;
  }

  /** Stores what workers have passed on, and ends the thread. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    if (thread === null) return;
    await withTimeout(this.#parts.clock, closeMs, thread.ask({ kind: 'close' }));
    await thread.stop();
  }

  #countLost(entries: number): void {
    Atomics.add(this.#lost, 0, entries);
  }

  #onLost({ why, threw }: WorkerExit, restartMs: number): void {
    // Lines and notes that the thread had and had not stored are in no ring.
    this.#countLost((this.#entriesSent - Atomics.exchange(this.#entriesDone, 0, 0)) | 0);
    this.#entriesSent = 0;
    this.#parts.events.emit({
      kind: 'store_lost',
      subject: 'gateway',
      reason: `the thread that stores exchanges is lost: ${why}; another one starts in ${restartMs / 1000} s and goes on with its records`,
      evidence: { reason: why, error: threw, restartMs },
    });
  }
}

const noStore = 'The configuration has no store: `store: { path: ./store }` keeps exchanges for searches.';
const noFile =
  'A gateway without a configuration file, such as that of `candor run`, has no store: `candor explain REQUEST-ID` has its latest requests, and what the application prints stands in its own output. To search both, start it by `candor up` with a file that has `store: { path: ./store }`.';
const noThread = { kind: 'unavailable', problem: 'The thread of the store has ended; another one starts.' } as const;

/** A page of events that are held in memory, the newest first. `events`: the oldest first. */
export function heldEvents(
  events: readonly Event[],
  { since, until, kinds, limit, cursor }: EventSearchRequest,
): EventSearchResult {
  const before = Number(/^held-(\d{1,15})$/.exec(cursor ?? '')?.[1] ?? Infinity);
  const found = events.filter(
    ({ at, kind, seq }) =>
      (since === null || at >= since) &&
      (until === null || at <= until) &&
      kinds?.includes(kind) !== false &&
      seq < before,
  );
  const page = found.toReversed().slice(0, limit);
  const last = page.at(-1);
  const hasMore = found.length > page.length && last !== undefined;
  return { kind: 'page', events: page.map(eventJson), cursor: hasMore ? `held-${last.seq}` : null, timedOut: false };
}
