import type { ClientFacts } from '../core/exchange.ts';
import { fieldId } from '../core/field-names.ts';
import type { RequestHead } from '../core/message.ts';
import { isAcceptableRequestId } from '../wire/request-id.ts';
import { parseTraceparent, type TraceContext } from '../wire/trace-context.ts';
import type { Ids } from './ports.ts';

/** The ids of the exchange in logs and traces. */
export interface Identity {
  readonly requestId: string;
  /** The trace that the client began; null: the request belongs to none. */
  readonly trace: TraceContext | null;
}

/**
 * The gateway makes the request id unless a trusted peer sent one. Every client may continue a trace, since its id is no
 * secret and no key (W3C Trace Context §3.2).
 *
 * The gateway begins no trace. It exports no spans, so a traceparent of its own could only say "not sampled", and
 * OpenTelemetry's default sampler in the application obeys its parent: the application would record nothing.
 */
export function identify(request: RequestHead, client: ClientFacts, wallTime: number, ids: Ids): Identity {
  const { fields } = request;
  const sent = client.trusted ? fields.get('x-request-id') : null;
  const requestId = sent !== null && isAcceptableRequestId(sent) ? sent : ids.requestId(wallTime);
  const traceparent = fields.hasId(traceparentId) ? fields.get('traceparent') : null;
  return { requestId, trace: traceparent === null ? null : parseTraceparent(traceparent) };
}

const traceparentId = fieldId('traceparent');
