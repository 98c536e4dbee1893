import { fail, type Failure } from '#failures/failure.ts';
import type { Framing } from '../core/message.ts';
import { type RequestRule, requestRules } from '#failures/rules.ts';
import { isMalformed } from '../wire/h2/request-head.ts';
import type { Slowness } from './timeouts.ts';

/** The request breaks `rule`; `at` says where. */
export function refusal(rule: RequestRule, at: string): Failure {
  return fail('request_refused', 'request', { rule, status: requestRules[rule].status, at });
}

/** A request of HTTP/2 that is malformed by `rule`, or refused by it: the stream of a malformed one is reset behind its answer. */
export function refusalOnStream(rule: RequestRule, at: string): Failure {
  const { status } = requestRules[rule];
  return isMalformed(rule)
    ? fail('request_refused', 'request', { rule, status, at, code: 'PROTOCOL_ERROR' })
    : refusal(rule, at);
}

export function headTimeout(limitMs: number, bytesReceived: number, slowness: Slowness | null): Failure {
  return fail('request_head_timeout', 'request', { limitMs, bytesReceived, ...slowness });
}

export function bodyTimeout(idleMs: number, bytesReceived: number, slowness: Slowness | null): Failure {
  return fail('request_body_timeout', 'request', { idleMs, bytesReceived, ...slowness });
}

/** The client has ended its side of the connection in the middle of a request body. */
export function bodyTruncated(framing: Framing, bytesReceived: number): Failure {
  const bytesExpected = framing.kind === 'length' ? framing.bytes : null;
  return fail('request_body_truncated', 'request', { bytesReceived, bytesExpected });
}

/** The client reads too slowly, or has read nothing for `silentMs`. */
export function notRead(bytesSent: number, slowness: Slowness | null, silentMs: number): Failure {
  return fail('response_not_read', 'flush', { bytesSent, ...slownessOf(slowness, silentMs) });
}

/** As `notRead`, for a request of the same HTTP/2 connection whose response has not begun. */
export function othersNotRead(slowness: Slowness | null, silentMs: number): Failure {
  return fail('response_not_read', 'response', { bytesSent: 0, ...slownessOf(slowness, silentMs), begun: false });
}

function slownessOf(slowness: Slowness | null, silentMs: number): Slowness {
  return slowness ?? { bytesPerS: 0, bytesPerSMin: 0, overMs: silentMs };
}
