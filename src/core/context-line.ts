import { elapsedText } from '#failures/quantity-text.ts';
import { type OutputLine, type OutputLineJson, outputLineJson } from './output-line.ts';
import type { ExchangeRecord } from './record.ts';
import { instanceOf } from './endpoint.ts';

/**
 * 'attempt': its application had an attempt of the request, and printed it at most 5 s before the request began or after it ended. 'other_time': earlier or later. 'no_attempt': its application had none.
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

/** Milliseconds before the begin and after the end of a request in which its lines are expected: output is read late, and work goes on after the answer. */
const aroundRequestMs = 5000;

type LinkedRecord = Pick<ExchangeRecord, 'id' | 'at' | 'duration_ms' | 'application' | 'upstream' | 'attempts'>;

export function contextLineJson(line: OutputLine, record: LinkedRecord): ContextLineJson {
  const began = Date.parse(record.at);
  const afterEndMs = line.at - Math.ceil(began + record.duration_ms);
  const isInTime = line.at >= began - aroundRequestMs && afterEndMs <= aroundRequestMs;
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
  const withoutAttempt = attempts.length === 0 ? [] : [application, upstream];
  return new Set([...ofAttempts, ...withoutAttempt].filter((name) => name !== null));
}

const plain = (text: string): string => text.toLowerCase().replaceAll('-', '');

/** '66 s after its end', '3 s before its end': rounded up, so that what is more than 5 s is never shown as 5 s. */
export function afterEndText(ms: number): string {
  const seconds = Math.ceil(Math.abs(ms) / 1000);
  return `${seconds < 600 ? `${seconds} s` : elapsedText(seconds)} ${ms < 0 ? 'before' : 'after'} its end`;
}
