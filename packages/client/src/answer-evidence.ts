import type { Shape } from '../../failures/src/shape.ts';
import type { KnownOfFailure } from './call-failure.ts';
import type { ResponseFacts } from './response-facts.ts';

/** The members by which Candor extends problem details (RFC 9457). Null: the body is something else. */
export function readProblemDetails({ bodyStart }: ResponseFacts): KnownOfFailure | null {
  let members: Readonly<Record<string, never>> | null;
  try {
    members = JSON.parse(bodyStart) as Record<string, never> | null;
  } catch {
    return null;
  }
  const { shape, cause, whose, delivery, proxy_error, temporary, retry_after, request_id, may_have_been_executed } =
    members ?? {};
  if (typeof shape !== 'string' || typeof cause !== 'string') return null;
  return {
    writer: 'gateway',
    shape,
    cause,
    whose,
    delivery,
    proxyError: proxy_error,
    requestId: request_id,
    temporary,
    retryAfterMs: (retry_after as unknown as number) > 0 ? (retry_after as unknown as number) * 1000 : null,
    // An earlier attempt of the gateway's own may have been executed, whatever became of the latest.
    mayHaveBeenExecuted: may_have_been_executed || null,
  };
}

const shapePatterns: readonly (readonly [Shape, RegExp])[] = [
  ['unreachable', /^dns|^tls|unroutable|refused|n_timeout/],
  ['too_slow', /timeout/],
  ['reset', /terminated|incomplete/],
  ['garbage', /^http_(resp|up|pro)/],
  ['client_abort', /request_error/],
  ['refused_by_gateway', /^destin|^proxy|denied|limit/],
];

/** As in `proxy-error.ts` of the package of failures, with which its test compares it. Null: a type that is not in the registry. */
export function shapeOfProxyError(type: string): Shape | null {
  return shapePatterns.find(([, pattern]) => pattern.test(type))?.[0] ?? null;
}

/**
 * The types of RFC 9209 §2.3 that are only used before anything of the request was sent. Not among them: TLS errors that may
 * come behind the handshake, and `destination_unavailable`, which gateways also use for requests that they cut at the end of a drain.
 */
const provesNotSent = /^dns|destination_[in]|n_refused|n_timeout|limit|certificate|denied/;

/**
 * Proxy-Status (RFC 9209). The last member with an error wrote the answer: those behind it passed it on. Without an error, a member that
 * received the same status shows that the answer is the service's.
 */
export function readProxyStatus({ header, status }: ResponseFacts): KnownOfFailure | null {
  const members = header('proxy-status')?.match(/("([^"\\]|\\.)*"?|[^,"])+/g) ?? [];
  for (const member of members.reverse()) {
    // Quoted text may have anything in it, such as `;error=`.
    const bare = member.replace(/"([^"\\]|\\.)*"?/g, (text) => (/^"\w+"$/.test(text) ? text : '""'));
    const type = /; *error="?(\w+)/.exec(bare)?.[1];
    if (type !== undefined)
      return {
        writer: 'gateway',
        gateway: /[^\s";][^";]*/.exec(member)?.[0],
        proxyError: type,
        shape: shapeOfProxyError(type),
        delivery: provesNotSent.test(type) ? 'not_sent' : null,
      };
    if (bare.includes(`received-status=${status}`)) return { writer: 'service' };
  }
  return null;
}
