import { elapsedText } from './quantity-text.ts';
import { type OutputLine, type OutputLineJson, outputLineJson } from './output-line.ts';
import type { ExchangeRecord } from './record.ts';
import { instanceOf } from './endpoint.ts';

/**
 * 'attempt': its application had an attempt of the request, and printed it in that time. 'other_time': earlier or later. 'no_attempt': its application had none.
 */
export const lineRelations = ['attempt', 'other_time', 'no_attempt'] as const;
export type LineRelation = (typeof lineRelations)[number];

/** A line with an id of a request. Every client knows the ids of its requests: an application may have printed one that a client has sent it. */
export interface ContextLineJson extends OutputLineJson {
  /** 'trace_id': not the id of the request itself, and other requests of the same trace have it too. */
  readonly has: 'request_id' | 'trace_id';
  readonly relation: LineRelation;
  /** Milliseconds from the end of the request; negative: before it. */
  readonly after_end_ms: number;
}

/** Output is read a moment after it was printed; what an application does after its answer takes a while. */
const attemptMs = 5000;

type LinkedRecord = Pick<ExchangeRecord, 'id' | 'at' | 'duration_ms' | 'application' | 'upstream' | 'attempts'>;

export function contextLineJson(line: OutputLine, record: LinkedRecord): ContextLineJson {
  const began = Date.parse(record.at);
  const afterEndMs = line.at - Math.ceil(began + record.duration_ms);
  const isInTime = line.at >= began - attemptMs && afterEndMs <= attemptMs;
  const hadAttempt = sourcesOf(record).has(line.source.application);
  return {
    ...outputLineJson(line),
    has: plain(line.text).includes(plain(record.id)) ? 'request_id' : 'trace_id',
    relation: !hadAttempt ? 'no_attempt' : isInTime ? 'attempt' : 'other_time',
    after_end_ms: afterEndMs,
  };
}

/** Applications that had an attempt; an upstream without one gives its name to the lines of its logs. */
function sourcesOf({ application, upstream, attempts }: LinkedRecord): ReadonlySet<string> {
  const ofAttempts = attempts.flatMap(({ endpoint, address }) => {
    const instance = instanceOf(endpoint, address);
    const upstreamId = endpoint.slice(0, endpoint.indexOf('/'));
    return instance === null ? [upstreamId] : [upstreamId, instance.slice(0, instance.lastIndexOf('/'))];
  });
  const last = attempts.length === 0 ? [] : [application, upstream];
  return new Set([...ofAttempts, ...last].filter((name) => name !== null));
}

const plain = (text: string): string => text.toLowerCase().replaceAll('-', '');

/** '66 s after its end', '2 s before its end'. */
export function afterEndText(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  return `${seconds < 600 ? `${seconds} s` : elapsedText(seconds)} ${ms < 0 ? 'before' : 'after'} its end`;
}
