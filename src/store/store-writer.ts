import type { NewEvent } from '../core/event.ts';
import type { StoreSpec } from '../core/configuration.ts';
import type { GroupRequest } from '../core/exchange-groups.ts';
import type { OutputLine } from '../core/output-line.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type {
  EventSearchRequest,
  EventSearchResult,
  FromStore,
  OutputSearchResult,
  SearchRequest,
  SearchResult,
  StoreFailure,
  StoreInit,
  ToStore,
  GroupResult,
} from '../core/store-messages.ts';
import { type ContextSearch, noContext, type StoredContext } from '../core/request-context.ts';
import type { ResponseTimes, TroubledTime } from '../core/response-times.ts';
import { type StoreFault, storeFaultTexts } from '../core/store-fault.ts';
import type { Clock } from '../core/time.ts';
import type { RecordRingReader, RingSlice } from '../record/record-ring.ts';
import { RingReading } from '../record/ring-reading.ts';
import { storeFault } from './database.ts';
import { ExchangeStore } from './exchange-store.ts';
import type { NewExchange } from './segment.ts';
import { LineDivider } from './line-divider.ts';
import { StoredUnparsed } from './stored-unparsed.ts';
import { WaitingEvents, WaitingProcesses } from './waiting-events.ts';
import { WaitingOutput } from './waiting-output.ts';

/** How long a record may wait before it is stored: one transaction for all of that time. */
const storeEveryMs = 500;

/** A ring that held a quarter of what it may hold (4 MiB) is emptied sooner the next time. */
const muchBytes = 1024 * 1024;
const storeMuchEveryMs = 100;

/** The pause after a failure. Meanwhile records stay in the rings, which hold some seconds of a busy gateway. */
const retryMs = 1000;

type Unavailable = Extract<SearchResult, { readonly kind: 'unavailable' }>;

const noStore: Unavailable = { kind: 'unavailable', problem: 'the configuration has no store' };

interface TakenSlice {
  readonly ring: RecordRingReader;
  readonly slice: RingSlice;
}

/**
 * Stores the exchanges that workers have chosen and the events of the gateway, and searches them, on a thread of its own. Workers
 * put lines into rings; the main thread sends events and other messages. A search stores first what the rings hold, so that it finds what has just happened.
 *
 *     worker ─ring─▶ StoreWriter ─▶ ExchangeStore ─▶ SQLite
 *                      ▲ messages: use, events, find, search, close
 *                    main
 */
export class StoreWriter {
  readonly #clock: Clock;
  readonly #send: (message: FromStore) => void;
  readonly #lost: Int32Array;
  readonly #entriesDone: Int32Array;
  readonly #reading: RingReading;
  /** Taken from the rings and not stored yet. */
  #taken: TakenSlice[] = [];
  readonly #events = new WaitingEvents();
  readonly #output = new WaitingOutput();
  readonly #processes = new WaitingProcesses();
  #spec: StoreSpec | null = null;
  #store: ExchangeStore | null = null;
  readonly #divider = new LineDivider();
  readonly #unparsed: StoredUnparsed;
  #fault: StoreFault | null = null;
  /** Files of another version that have been told. */
  readonly #others = new Set<string>();
  /** While there is a fault: since the first of several in a row. */
  #failing: StoreFailure | null = null;
  /** The last time a ring held much. */
  #hadMuch = false;

  constructor({ wakeWord, lost, entriesDone }: StoreInit, clock: Clock, send: (message: FromStore) => void) {
    this.#clock = clock;
    this.#unparsed = new StoredUnparsed(clock);
    this.#send = send;
    this.#lost = new Int32Array(lost);
    this.#entriesDone = new Int32Array(entriesDone);
    this.#reading = new RingReading(clock, wakeWord, {
      isReady: () => this.#spec !== null,
      read: () => (this.#storeLines() ? this.#pauseMs() : null),
      everyMs: storeEveryMs,
      hasMore: () => !this.#isIdle,
    });
  }

  handle(message: ToStore): void {
    switch (message.kind) {
      case 'ring':
        this.#reading.add(message.memory);
        break;
      case 'use':
        this.#use(message.spec);
        break;
      case 'process':
        this.#divider.use(message.constants);
        break;
      case 'events':
        Atomics.add(this.#lost, 0, this.#events.add(message.events));
        this.#reading.wake();
        break;
      case 'output':
        this.#addOutput(message.lines);
        break;
      case 'processes':
        this.#addProcesses(message.notes);
        break;
      case 'find':
        this.#send({ kind: 'stored', request: message.request, record: this.#find(message.id) });
        break;
      case 'search':
        this.#send({ kind: 'searched', request: message.request, result: this.#search(message.search) });
        break;
      case 'group':
        this.#send({ kind: 'grouped', request: message.request, result: this.#group(message.group) });
        break;
      case 'search_output':
        this.#send({ kind: 'output_found', request: message.request, result: this.#searchOutput(message.search) });
        break;
      case 'context':
        this.#send({ kind: 'context_found', request: message.request, context: this.#context(message.search) });
        break;
      case 'search_events':
        this.#send({ kind: 'events_found', request: message.request, result: this.#searchEvents(message.search) });
        break;
      case 'times':
        this.#send({ kind: 'times_found', request: message.request, times: this.#responseTimes(message.incidents) });
        break;
      case 'close':
        this.#close();
        this.#send({ kind: 'closed', request: message.request });
        break;
    }
  }

  #addOutput(lines: readonly OutputLine[]): void {
    this.#countLost(this.#output.add(lines));
    this.#reading.wake();
  }

  #addProcesses(notes: readonly ProcessNote[]): void {
    this.#countLost(this.#processes.add(notes));
    this.#reading.wake();
  }

  /** Lines or notes that the main thread has sent, and that are given up. */
  #countLost(entries: number): void {
    Atomics.add(this.#lost, 0, entries);
    Atomics.add(this.#entriesDone, 0, entries);
  }

  #use(spec: StoreSpec): void {
    this.#storeLines();
    this.#closeStore();
    this.#spec = spec;
    this.#unparsed.use(spec.path);
    this.#reading.wake();
  }

  /** Opens the store at its first use, and again after a failure. */
  #opened(spec: StoreSpec): ExchangeStore {
    const onCorrupt = (path: string): void => void this.#tell('failing', 'corrupt', `it was renamed to ${path}`);
    const onRemoved = (path: string): void => void this.#tell('failing', 'removed', `${path} is opened anew`);
    const onOtherVersion = (path: string): void => {
      if (this.#others.has(path)) return;
      this.#others.add(path);
      this.#tell('failing', 'other_version', `${path} is neither read nor changed`);
    };
    this.#store ??= new ExchangeStore(spec, this.#clock, { onCorrupt, onRemoved, onOtherVersion });
    return this.#store;
  }

  #find(id: string): ExchangeRecord | null {
    const spec = this.#spec;
    if (spec === null) return null;
    this.#storeLines();
    try {
      return this.#opened(spec).find(id);
    } catch (error) {
      this.#failed(error);
      return null;
    }
  }

  #search(request: SearchRequest): SearchResult {
    return this.#withFailure(this.#read((store) => store.search(request)));
  }

  #group(request: GroupRequest): GroupResult {
    const result = this.#read((store) => store.group(request));
    return result.kind === 'groups' && this.#failing !== null ? { ...result, failing: this.#failing } : result;
  }

  #searchOutput(request: SearchRequest): OutputSearchResult {
    return this.#withFailure(this.#read((store) => store.searchOutput(request)));
  }

  #searchEvents(request: EventSearchRequest): EventSearchResult {
    return this.#withFailure(this.#read((store) => store.searchEvents(request)));
  }

  /** A page without what waits is not all that there is. */
  #withFailure<T extends { readonly kind: string }>(result: T): T {
    return result.kind === 'page' && this.#failing !== null ? { ...result, failing: this.#failing } : result;
  }

  /** Stores first what has come, so that a search finds it. */
  #read<T>(search: (store: ExchangeStore) => T): T | Unavailable {
    const spec = this.#spec;
    if (spec === null) return noStore;
    this.#storeLines();
    try {
      return search(this.#opened(spec));
    } catch (error) {
      return this.#unreadable(spec, error);
    }
  }

  #context(search: ContextSearch): StoredContext {
    const found = this.#read((store) => store.context(search));
    const [id = ''] = search.ids;
    const context = 'problem' in found ? noContext : found;
    // While the store fails, lines wait here.
    const hasAllOutput = context.hasAllOutput && this.#output.isEmpty;
    return { ...context, hasAllOutput, unparsed: this.#unparsed.find(id, search.endedAt) };
  }

  #responseTimes(incidents: readonly TroubledTime[]): readonly ResponseTimes[] {
    const spec = this.#spec;
    if (spec === null) return [];
    try {
      return this.#opened(spec).responseTimes(incidents);
    } catch (error) {
      this.#failed(error);
      return [];
    }
  }

  #unreadable({ path }: StoreSpec, error: unknown): Unavailable {
    this.#failed(error);
    return { kind: 'unavailable', problem: `The store ${path} cannot be read: ${storeFaultTexts[storeFault(error)]}.` };
  }

  /** Stores what the rings hold. Returns whether there was anything, or there still is. */
  #storeLines(): boolean {
    const spec = this.#spec;
    if (spec === null) return false;
    this.#take();
    if (this.#taken.length === 0 && this.#isIdle) {
      this.#maintain(spec);
      return false;
    }
    try {
      const store = this.#opened(spec);
      const exchanges = this.#taken.flatMap(({ slice }) => this.#exchangesOf(slice));
      Atomics.add(this.#lost, 0, store.append(exchanges, this.#events.list, this.#output.list, this.#processes.list));
    } catch (error) {
      this.#unparsed.forget();
      this.#failed(error);
      return true;
    }
    Atomics.add(this.#lost, 0, this.#unparsed.store());
    this.#release();
    this.#recovered();
    this.#maintain(spec);
    return true;
  }

  /** Nothing waits beside what the rings hold. */
  get #isIdle(): boolean {
    return this.#events.isEmpty && this.#output.isEmpty && this.#processes.isEmpty;
  }

  #pauseMs(): number {
    if (this.#fault !== null) return retryMs;
    return this.#hadMuch ? storeMuchEveryMs : storeEveryMs;
  }

  #take(): void {
    this.#hadMuch = false;
    for (const ring of this.#reading.rings) {
      let bytes = 0;
      for (const slice of ring.take()) {
        this.#taken.push({ ring, slice });
        bytes += slice.bytes.length;
      }
      if (bytes >= muchBytes) this.#hadMuch = true;
      ring.takeDropped();
    }
  }

  #maintain(spec: StoreSpec): void {
    try {
      if (this.#store !== null) this.#opened(spec).maintain();
    } catch (error) {
      this.#failed(error);
    }
  }

  #exchangesOf({ bytes }: RingSlice): readonly NewExchange[] {
    const { exchanges, damaged } = exchangesInBytes(bytes, this.#divider, (text) => this.#unparsed.take(text));
    Atomics.add(this.#lost, 0, damaged);
    return exchanges;
  }

  #release(): void {
    for (const { ring, slice } of this.#taken) ring.release(slice);
    this.#taken = [];
    Atomics.add(this.#entriesDone, 0, this.#output.count + this.#processes.list.length);
    this.#output.clear();
    this.#processes.clear();
    if (!this.#events.isEmpty) this.#send({ kind: 'events_stored', through: this.#events.clear() });
  }

  #failed(error: unknown): void {
    const fault = storeFault(error);
    // A damaged file has been moved aside: the next one is begun at once.
    if (fault === 'corrupt') return;
    this.#closeStore();
    if (this.#fault === fault) return;
    this.#fault = fault;
    const reason = this.#tell('failing', fault, 'records wait in memory, and those that do not fit are lost');
    this.#failing = { since: this.#failing?.since ?? this.#clock.wallTime(), reason };
  }

  #recovered(): void {
    if (this.#fault === null) return;
    this.#fault = null;
    this.#failing = null;
    this.#tell('storing', null, '');
  }

  #tell(to: 'failing' | 'storing', fault: StoreFault | null, effect: string): string {
    const path = this.#spec?.path ?? '';
    const reason =
      fault === null
        ? `The store ${path} is written again.`
        : `The store ${path} cannot be used: ${storeFaultTexts[fault]}; ${effect}. Requests are not affected.`;
    const from = to === 'failing' ? 'storing' : 'failing';
    const event: NewEvent<'store_failing'> = {
      kind: 'store_failing',
      subject: `store:${path}`,
      ...{ from, to, reason },
      // The main thread knows the numbers of descriptors.
      evidence: { path, fault, limit: null, needed: null },
    };
    this.#send({ kind: 'event', event });
    return reason;
  }

  #close(): void {
    this.#storeLines();
    this.#reading.stop();
    this.#unparsed.close();
    this.#closeStore();
  }

  #closeStore(): void {
    this.#store?.close();
    this.#store = null;
  }
}

/** The exchanges in lines of a ring. Each line has a number, for how many exchanges it stands, before its record. `takes`: whether a line is one of others, who have it then. */
export function exchangesInBytes(
  bytes: Buffer,
  divider: LineDivider,
  takes: (text: string) => boolean = () => false,
): { exchanges: NewExchange[]; damaged: number } {
  const exchanges: NewExchange[] = [];
  let damaged = 0;
  for (const text of bytes.toString('latin1').split('\n')) {
    if (takes(text)) continue;
    const space = text.indexOf(' ');
    const line = space > 0 ? divider.divide(text.slice(space + 1)) : null;
    if (line !== null) exchanges.push({ line, standsFor: Number(text.slice(0, space)) });
    else if (text !== '') damaged += 1;
  }
  return { exchanges, damaged };
}
