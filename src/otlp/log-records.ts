import { type EventJson, eventOfJson } from '../core/event-json.ts';
import { levelOf } from '../core/event-level.ts';
import type { SpanFacts } from '../core/exchange.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { attributesOf, type AttributeValue, unixNano } from './attributes.ts';
import { exchangeAttributes } from './exchange-attributes.ts';
import type { ExportedLogRecord } from './messages.ts';

const severities = { INFO: 9, WARN: 13, ERROR: 17 } as const;
type Severity = keyof typeof severities;

/** By the shape of what happened: failures are errors; what the gateway declined and a client that left are warnings. */
const severityOfShape: Readonly<Record<ExchangeRecord['shape'], Severity>> = {
  none: 'INFO',
  client_abort: 'WARN',
  refused_by_gateway: 'WARN',
  unreachable: 'ERROR',
  too_slow: 'ERROR',
  reset: 'ERROR',
  garbage: 'ERROR',
  app_error: 'ERROR',
};

/** The log record of an exchange that has ended. */
export function logRecordOfExchange(record: ExchangeRecord, span: SpanFacts | null, nowMs: number): ExportedLogRecord {
  return {
    timeUnixNano: unixNano(Date.parse(record.at), record.duration_ms),
    observedTimeUnixNano: unixNano(nowMs),
    ...severityOf(severityOfShape[record.shape] ?? 'WARN'),
    body: { stringValue: record.detail ?? `${record.method} ${record.path} ${record.status ?? record.end}` },
    attributes: [...exchangeAttributes(record), ...attributesOf({ 'candor.duration_ms': record.duration_ms })],
    ...traceOf(record, span),
    eventName: 'candor.exchange',
  };
}

/** A trace id that came with a request is 32 digits; records of requests without one have null. */
function traceOf(
  { trace_id }: ExchangeRecord,
  span: SpanFacts | null,
): Partial<Pick<ExportedLogRecord, 'traceId' | 'spanId' | 'flags'>> {
  if (trace_id === null || !/^[0-9a-f]{32}$/.test(trace_id)) return {};
  if (span === null) return { traceId: trace_id };
  return { traceId: trace_id, spanId: span.spanId, flags: Number.parseInt(span.flags, 16) };
}

const severityOfLevel = { info: 'INFO', warn: 'WARN', error: 'ERROR' } as const;

/** The log record of an event of the gateway. */
export function logRecordOfEvent(event: EventJson, nowMs: number): ExportedLogRecord {
  const { kind, at, reason, subject, from, to, revision, actor, seq } = event;
  return {
    timeUnixNano: unixNano(Date.parse(at)),
    observedTimeUnixNano: unixNano(nowMs),
    ...severityOf(severityOfLevel[levelOf(eventOfJson(event))]),
    body: { stringValue: reason },
    attributes: attributesOf({
      'candor.subject': subject,
      'candor.from': textOf(from),
      'candor.to': textOf(to),
      'candor.revision': revision,
      'candor.actor': textOf(actor),
      'candor.seq': seq,
      ...evidenceOf(event.evidence),
    }),
    eventName: `candor.${kind}`,
  };
}

function severityOf(severityText: Severity): Pick<ExportedLogRecord, 'severityNumber' | 'severityText'> {
  return { severityNumber: severities[severityText], severityText };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** What is not a text, a number or a truth value is JSON. */
function evidenceOf(evidence: object): Readonly<Record<string, AttributeValue>> {
  return Object.fromEntries(
    Object.entries(evidence).map(([name, value]: [string, unknown]) => [
      `candor.evidence.${name}`,
      value === null || ['string', 'number', 'boolean'].includes(typeof value)
        ? (value as AttributeValue)
        : JSON.stringify(value),
    ]),
  );
}
