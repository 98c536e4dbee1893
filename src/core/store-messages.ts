import type { StoreSpec } from './configuration.ts';
import type { NewEvent } from './event.ts';
import type { ExchangeGroup, GroupRequest } from './exchange-groups.ts';
import type { EventJson } from './event-json.ts';
import type { ProcessConstants } from './logger-messages.ts';
import type { OutputLine } from './output-line.ts';
import type { ExchangeRecord } from './schemas/record.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { ContextSearch, StoredContext } from './request-context.ts';
import type { ResponseTimes, TroubledTime } from './response-times.ts';
import type { RecordRingMemory } from './record-ring-memory.ts';

/** Everything that the thread of the store needs at start. */
export interface StoreInit {
  /** One Int32, shared with all rings of the store. */
  readonly wakeWord: SharedArrayBuffer;
  /** One Int32: records, events, lines and notes that the store had taken, and that were lost. */
  readonly lost: SharedArrayBuffer;
  /** One Int32: lines of `output` messages and notes of `processes` messages that are stored, or lost and counted. */
  readonly entriesDone: SharedArrayBuffer;
}

/** One page of a search. */
export interface SearchRequest {
  /** In the language of `store/parse-query.ts`. */
  readonly query: string;
  readonly limit: number;
  /** Where the page before has ended; null for the newest records. */
  readonly cursor: string | null;
  /** Records that were stored after this position, the oldest first, in place of the newest. */
  readonly after: string | null;
}

/** A record that matches, and how many exchanges like it the store has left out before it. */
export interface StoredExchange {
  readonly record: ExchangeRecord;
  /** 1 for failures and slow exchanges. A success stands for itself and those of its route that were not stored since the last one. */
  readonly standsFor: number;
}

/** The store fails: what is newer waits in memory, where no search finds it, or is lost. */
export interface StoreFailure {
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Sentences: which store, why, and what becomes of records. */
  readonly reason: string;
}

export type SearchResult =
  | {
      readonly kind: 'page';
      readonly exchanges: readonly StoredExchange[];
      /** Where the next page begins; null if there is none. The page may be short: a search ends after some time. */
      readonly cursor: string | null;
      /** For a later search with `after`: what was stored until now. */
      readonly end: string;
      /** The search ended because its time was over, and not because the page was full. */
      readonly timedOut: boolean;
      /** Absent: the store is written. */
      readonly failing?: StoreFailure;
    }
  /** The query cannot be read; `at` is the index of the first character of what is wrong. */
  | { readonly kind: 'not_a_query'; readonly problem: string; readonly at: number }
  | { readonly kind: 'unavailable'; readonly problem: string };

/** What a search finds, counted by one of its values. */
export type GroupResult =
  | {
      readonly kind: 'groups';
      /** The largest first. */
      readonly groups: readonly ExchangeGroup[];
      /** Requests that were counted. */
      readonly counted: number;
      /** Whether they are all that match; otherwise the newest. */
      readonly isComplete: boolean;
      readonly failing?: StoreFailure;
    }
  | Exclude<SearchResult, { readonly kind: 'page' }>;

/** As `SearchResult`, of lines that applications have printed. */
export type OutputSearchResult =
  | {
      readonly kind: 'page';
      readonly lines: readonly OutputLine[];
      readonly cursor: string | null;
      readonly end: string;
      readonly timedOut: boolean;
      readonly failing?: StoreFailure;
    }
  | Exclude<SearchResult, { readonly kind: 'page' }>;

/** An event as the store gets it. */
export interface EventLine {
  /** Number of the event in this run of the process. */
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The event's `EventJson`. */
  readonly json: string;
}

/** One page of the stored events of a time, the newest first. */
export interface EventSearchRequest {
  /** Milliseconds since 1970, both included; null: no limit. */
  readonly since: number | null;
  readonly until: number | null;
  /** Only events of these kinds; absent: of all. */
  readonly kinds?: readonly string[];
  readonly limit: number;
  /** Where the page before has ended; null for the newest events. */
  readonly cursor: string | null;
}

export type EventSearchResult =
  | {
      readonly kind: 'page';
      readonly events: readonly EventJson[];
      /** Where the next page begins; null if there is none. */
      readonly cursor: string | null;
      /** The search ended because its time was over, and not because the page was full. */
      readonly timedOut: boolean;
      readonly failing?: StoreFailure;
    }
  | { readonly kind: 'unavailable'; readonly problem: string };

/** From the main thread to the store. A message with `request` is answered. */
export type ToStore =
  /** Read this ring from now on. */
  | { readonly kind: 'ring'; readonly memory: RecordRingMemory }
  /** Store records there. */
  | { readonly kind: 'use'; readonly spec: StoreSpec }
  /** Records of this process get these constants. */
  | { readonly kind: 'process'; readonly constants: ProcessConstants }
  /** Store these events too, which come in order; tell 'events_stored' when they are. */
  | { readonly kind: 'events'; readonly events: readonly EventLine[] }
  /** Store these lines of applications too. */
  | { readonly kind: 'output'; readonly lines: readonly OutputLine[] }
  /** Store these notes about processes of applications too. */
  | { readonly kind: 'processes'; readonly notes: readonly ProcessNote[] }
  /** Answer 'stored'. */
  | { readonly kind: 'find'; readonly request: number; readonly id: string }
  /** Answer 'searched'. */
  | { readonly kind: 'search'; readonly request: number; readonly search: SearchRequest }
  /** Answer 'grouped'. */
  | { readonly kind: 'group'; readonly request: number; readonly group: GroupRequest }
  /** Answer 'output_found'. */
  | { readonly kind: 'search_output'; readonly request: number; readonly search: SearchRequest }
  /** Answer 'context_found'. */
  | { readonly kind: 'context'; readonly request: number; readonly search: ContextSearch }
  /** Answer 'events_found'. */
  | { readonly kind: 'search_events'; readonly request: number; readonly search: EventSearchRequest }
  /** Answer 'times_found'. */
  | { readonly kind: 'times'; readonly request: number; readonly incidents: readonly TroubledTime[] }
  /** No worker writes any more: store everything, close the files, and answer 'closed'. */
  | { readonly kind: 'close'; readonly request: number };

/** From the store to the main thread. */
export type FromStore =
  | { readonly kind: 'stored'; readonly request: number; readonly record: ExchangeRecord | null }
  | { readonly kind: 'searched'; readonly request: number; readonly result: SearchResult }
  | { readonly kind: 'grouped'; readonly request: number; readonly result: GroupResult }
  | { readonly kind: 'output_found'; readonly request: number; readonly result: OutputSearchResult }
  | { readonly kind: 'context_found'; readonly request: number; readonly context: StoredContext }
  | { readonly kind: 'events_found'; readonly request: number; readonly result: EventSearchResult }
  | { readonly kind: 'times_found'; readonly request: number; readonly times: readonly ResponseTimes[] }
  | { readonly kind: 'closed'; readonly request: number }
  /** All events up to this number are stored, or lost and counted. */
  | { readonly kind: 'events_stored'; readonly through: number }
  | { readonly kind: 'event'; readonly event: NewEvent<'store_failing'> };
