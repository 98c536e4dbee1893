import type { ClientFacts } from '../core/exchange.ts';
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
  const sent = client.trusted ? request.fields.get('x-request-id') : null;
  const requestId = sent !== null && isAcceptableRequestId(sent) ? sent : ids.requestId(wallTime);
  const traceparent = request.fields.get('traceparent');
  const context = traceparent === null ? null : parseTraceparent(traceparent);
  if (context !== null) {
    return { requestId, traceId: context.traceId, traceFlags: context.flags, traceContinued: true };
  }
  // What a trusted peer calls a request need not be a UUID, nor be new.
  const own = sent === requestId ? ids.requestId(wallTime) : requestId;
  return { requestId, traceId: digitsOf(own), traceFlags: '00', traceContinued: false };
}

/** A UUID's 32 hexadecimal digits. */
function digitsOf(uuid: string): string {
  return uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18) + uuid.slice(19, 23) + uuid.slice(24);
}
