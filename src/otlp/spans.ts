import { attemptSpanId } from '../core/attempt-span.ts';
import type { SpanFacts } from '../core/exchange.ts';
import type { AttemptRecord, ExchangeRecord } from '../core/schemas/record.ts';
import { addressAndPort, attributesOf, unixNano } from './attributes.ts';
import { exchangeAttributes, isServerError, methodAttributes, spanName } from './exchange-attributes.ts';
import { type ExportedSpan, type SpanEvent, spanKinds, statusError } from './messages.ts';

/** Bits of `flags` beyond those of W3C Trace Context: whether the parent is in another process is known, and it is. */
const parentIsKnown = 0x100;
const parentIsRemote = 0x200;

/** The spans of an exchange of a trace: one of its own, and one for each attempt below it. */
export function spansOf(record: ExchangeRecord, traceId: string, span: SpanFacts): ExportedSpan[] {
  const attempts = record.attempts.toSorted((one, other) => one.started_ms - other.started_ms);
  return [
    exchangeSpan(record, traceId, span),
    ...attempts.map((attempt, index) => attemptSpan(record, attempt, index, traceId, span)),
  ];
}

function exchangeSpan(record: ExchangeRecord, traceId: string, { spanId, parentId, flags }: SpanFacts): ExportedSpan {
  const at = Date.parse(record.at);
  const traceFlags = Number.parseInt(flags, 16);
  return {
    traceId,
    spanId,
    ...(parentId === '' ? {} : { parentSpanId: parentId }),
    name: spanName(record),
    kind: spanKinds.server,
    startTimeUnixNano: unixNano(at),
    endTimeUnixNano: unixNano(at, record.duration_ms),
    attributes: exchangeAttributes(record),
    ...(isServerError(record) ? { status: { ...messageOf(record), code: statusError } } : {}),
    flags: traceFlags | parentIsKnown | (parentId === '' ? 0 : parentIsRemote),
  };
}

function messageOf({ detail }: ExchangeRecord): { readonly message?: string } {
  return detail === null ? {} : { message: detail };
}

function attemptSpan(
  record: ExchangeRecord,
  attempt: AttemptRecord,
  index: number,
  traceId: string,
  { spanId, flags }: SpanFacts,
): ExportedSpan {
  const at = Date.parse(record.at);
  const { status, cause } = attempt;
  // A client span is an error from 400 on.
  const isError = cause !== null || (status !== null && status >= 400);
  return {
    traceId,
    spanId: attemptSpanId(spanId, index),
    parentSpanId: spanId,
    name: spanName(record),
    kind: spanKinds.client,
    startTimeUnixNano: unixNano(at, attempt.started_ms),
    endTimeUnixNano: unixNano(at, attempt.ended_ms),
    attributes: attemptAttributes(record, attempt, index),
    events: stagesOf(at, attempt),
    ...(isError ? { status: { code: statusError } } : {}),
    flags: Number.parseInt(flags, 16) | parentIsKnown,
  };
}

function attemptAttributes(record: ExchangeRecord, attempt: AttemptRecord, index: number): ExportedSpan['attributes'] {
  const { status, cause } = attempt;
  const { address, port } = addressAndPort(attempt.address);
  const errorStatus = status !== null && status >= 400 ? String(status) : null;
  return attributesOf({
    ...methodAttributes(record.method),
    'server.address': address,
    'server.port': port,
    'network.peer.address': address,
    'network.peer.port': port,
    'network.local.port': attempt.local_port,
    'network.protocol.name': 'http',
    'network.protocol.version': attempt.protocol === 'HTTP/2' ? '2' : '1.1',
    'http.response.status_code': status,
    'http.request.resend_count': index === 0 ? null : index,
    'error.type': cause ?? errorStatus,
    'candor.endpoint': attempt.endpoint,
    'candor.endpoint.state': attempt.state,
    'candor.release': attempt.release ?? record.release ?? null,
    'candor.stage': attempt.stage,
    'candor.cause': cause,
    'candor.connection.reused': attempt.reused,
    'candor.retry': attempt.retry,
    'candor.retry.reason': attempt.retry_reason,
    'candor.surplus_bytes': attempt.surplus_bytes ?? null,
    'candor.bytes_to_endpoint': attempt.bytes_to_endpoint ?? null,
    'candor.bytes_from_endpoint': attempt.bytes_from_endpoint ?? null,
  });
}

const stages = [
  ['queued_ms', 'candor.queue_left'],
  ['dns_ms', 'candor.name_resolved'],
  ['connected_ms', 'candor.connected'],
  ['tls_ms', 'candor.tls_established'],
  ['sent_ms', 'candor.request_sent'],
  ['head_ms', 'candor.response_head'],
] as const satisfies readonly (readonly [keyof AttemptRecord, string])[];

/** When each stage of the attempt was over. */
function stagesOf(at: number, attempt: AttemptRecord): SpanEvent[] {
  return stages.flatMap(([key, name]) => {
    const ms = attempt[key] ?? null;
    return ms === null ? [] : [{ timeUnixNano: unixNano(at, ms), name }];
  });
}
