import type { ContextLineJson } from './schemas/output.ts';
import { elapsedText } from '#failures/quantity-text.ts';
import { type OutputLine, outputLineJson } from './output-line.ts';
import type { ExchangeRecord } from './schemas/record.ts';
import { instanceOf } from './endpoint.ts';

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
