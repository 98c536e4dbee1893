import type { ProcessStateJson, RequestContextJson } from './schemas/output.ts';
import { instanceOf } from './endpoint.ts';
import type { OutputLine } from './output-line.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { ExchangeRecord } from './schemas/record.ts';
import type { UnparsedJson } from './unparsed-bytes.ts';

/** An instance that had a request, and when: milliseconds since 1970. */
export interface InstanceVisit {
  readonly instance: string;
  /** The number of its attempt, from 1. */
  readonly attempt: number;
  readonly since: number;
  readonly until: number;
  /** When its attempt ended. */
  readonly ended: number;
  /** When the process ended whose exit the record names for the attempt; absent: it names none. */
  readonly exitedAt?: number;
}

type VisitedTime = Pick<InstanceVisit, 'instance' | 'since' | 'until'>;

/** What the store is asked about a request. */
export interface ContextSearch {
  /** The request id and the trace id. */
  readonly ids: readonly string[];
  /** When it ended: milliseconds since 1970. */
  readonly endedAt: number;
  readonly visits: readonly InstanceVisit[];
}

/** What the store knows about a request besides its record. */
export interface StoredContext {
  /** Output of applications with its id or its trace id. */
  readonly lines: readonly OutputLine[];
  /** What its instances printed while they had it, without any id. */
  readonly nearby: readonly OutputLine[];
  /** Samples and exits of the processes of these instances around that time. */
  readonly processes: readonly ProcessNote[];
  /** What its endpoints sent and the gateway could not parse: for operators alone. */
  readonly unparsed: readonly UnparsedJson[];
  /** Every line is stored that its instances printed while they had it: without lines, they printed none. */
  readonly hasAllOutput: boolean;
}

export const noContext: StoredContext = { lines: [], nearby: [], processes: [], unparsed: [], hasAllOutput: false };

/** The same with what the main thread has in memory. */
export interface FoundContext extends Omit<StoredContext, 'processes'> {
  readonly processes: readonly ProcessStateJson[];
}

export interface UnparsedSizeJson extends Omit<UnparsedJson, 'bytes'> {
  readonly size: number;
}

export const noContextJson: RequestContextJson = {
  configuration: null,
  lines: [],
  nearby: [],
  unparsed: [],
  processes: [],
  stores_output: false,
};

/** Output is read a moment after it was printed. */
const readLateMs = 100;

/** The last words of a program come after the failure of its request, and a program that has ended prints them for no other. */
const lastWordsMs = 500;

/** What to ask the store about the request of this record. */
export function contextSearchOf({ id, trace_id, at, duration_ms, attempts }: ExchangeRecord): ContextSearch {
  const began = Date.parse(at);
  const visits = attempts.flatMap(({ endpoint, address, started_ms, ended_ms, exit }, index) => {
    const instance = instanceOf(endpoint, address);
    if (instance === null) return [];
    const ended = Math.ceil(began + ended_ms);
    const since = Math.floor(began + started_ms);
    const visit = { instance, attempt: index + 1, since, ended };
    if (exit === null) return [{ ...visit, until: ended + readLateMs }];
    return [{ ...visit, until: ended + lastWordsMs, exitedAt: began + ended_ms - exit.before_ms }];
  });
  return { ids: trace_id === null ? [id] : [id, trace_id], endedAt: began + duration_ms, visits };
}

/** When each instance had the request, each moment once: attempts at the same one overlap, because output is read late. */
export function visitedTimes(visits: readonly InstanceVisit[]): readonly VisitedTime[] {
  const times: VisitedTime[] = [];
  for (const { instance, since, until } of visits.toSorted((one, other) => one.since - other.since)) {
    const before = times.findLast((one) => one.instance === instance);
    if (before === undefined || before.until < since) times.push({ instance, since, until });
    else times.splice(times.indexOf(before), 1, { ...before, until: Math.max(before.until, until) });
  }
  return times;
}
