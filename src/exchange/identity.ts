import type { ClientFacts } from '../core/exchange.ts';
import { fieldId } from '../core/field-names.ts';
import type { RequestHead } from '../core/message.ts';
import { isAcceptableRequestId } from '../wire/request-id.ts';
import { parseTraceparent } from '../wire/trace-context.ts';
import type { Ids } from './ports.ts';

/** Who the exchange is, in logs and traces. */
export interface Identity {
  readonly requestId: string;
  readonly traceId: string;
  /** Two hexadecimal digits: whether the trace is sampled. */
  readonly traceFlags: string;
  /** The trace was begun by the client, so its state goes on. */
  readonly traceContinued: boolean;
}

/**
 * The request id is minted unless a trusted peer sent one; anybody may continue a trace, since its id is no
 * secret and no key (W3C Trace Context §3.2). A new trace gets the digits of the request id, so that one finds
 * the other.
 */
export function identify(request: RequestHead, client: ClientFacts, wallTime: number, ids: Ids): Identity {
  const { fields } = request;
  const sent = client.trusted ? fields.get('x-request-id') : null;
  const given = sent !== null && isAcceptableRequestId(sent) ? sent : null;
  const traceparent = fields.hasId(traceparentId) ? fields.get('traceparent') : null;
  const context = traceparent === null ? null : parseTraceparent(traceparent);
  if (context !== null) {
    const requestId = given ?? ids.requestId(wallTime);
    return { requestId, traceId: context.traceId, traceFlags: context.flags, traceContinued: true };
  }
  // What a trusted peer calls a request need not be a UUID, nor be new.
  const minted = ids.requestIdWithDigits(wallTime);
  return {
    requestId: given ?? minted.slice(0, 36),
    traceId: minted.slice(36),
    traceFlags: '00',
    traceContinued: false,
  };
}

const traceparentId = fieldId('traceparent');
