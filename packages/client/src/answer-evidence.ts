import type { Shape } from '../../failures/src/shape.ts';
import type { CallFailure } from './call-failure.ts';
import type { ResponseFacts } from './response-facts.ts';

/** What an answer says of itself, in a form that is meant for programs. */
export type AnswerEvidence = Partial<Omit<CallFailure, 'status' | 'retryAfterMs' | 'mayHaveBeenExecuted'>> & {
  readonly retryAfterMs?: number;
  /** The gateway says that an earlier attempt of its own may have been executed, whatever became of the latest. */
  readonly executedBefore?: boolean;
};

/** The members by which Candor extends problem details (RFC 9457). Null: the body is something else. */
export function readProblemDetails({ header, bodyStart }: ResponseFacts): AnswerEvidence | null {
  if (!/^application\/(?:problem\+)?json/i.test(header('content-type') ?? '')) return null;
  let members: Record<string, unknown> | null;
  try {
    members = JSON.parse(bodyStart) as Record<string, unknown> | null;
  } catch {
    return null;
  }
  const { cause, whose, proxy_error, temporary, retry_after, request_id, may_have_been_executed } = members ?? {};
  const shape = oneOf<Shape>(shapes, members?.['shape']);
  const delivery = oneOf<CallFailure['delivery']>(deliveries, members?.['delivery']);
  if (shape === null || typeof cause !== 'string') return null;
  return {
    writer: 'gateway',
    shape,
    cause,
    ...(typeof whose === 'string' ? { whose: whose as NonNullable<CallFailure['whose']> } : {}),
    ...(delivery === null ? {} : { delivery }),
    executedBefore: may_have_been_executed === true,
    ...(typeof proxy_error === 'string' ? { proxyError: proxy_error } : {}),
    ...(typeof temporary === 'boolean' ? { temporary } : {}),
    ...(typeof retry_after === 'number' ? { retryAfterMs: retry_after * 1000 } : {}),
    ...(typeof request_id === 'string' ? { requestId: request_id } : {}),
  };
}

/** The words of `shape.ts` in the package of failures, in one text: half the size of lists, and its test compares them. */
export const shapes = 'unreachable too_slow reset garbage refused_by_gateway app_error client_abort none';
export const deliveries = 'not_sent partial sent_unknown refused_by_peer response_started';

const shapePatterns: readonly (readonly [Shape, RegExp])[] = [
  ['unreachable', /^(?:dns_|tls_)|_unroutable$|^connection_(?:refused|timeout)$/],
  ['too_slow', /_timeout$/],
  ['reset', /_terminated$|_incomplete$/],
  ['garbage', /^http_(?:response|upgrade|protocol)_/],
  ['client_abort', /^http_request_error$/],
  ['refused_by_gateway', /^(?:destination|proxy)_|_denied$|_limit_reached$/],
];

/** As in `proxy-error.ts` of the package of failures, with which its test compares it. Null: a type that is not in the registry. */
export function shapeOfProxyError(type: string): Shape | null {
  return shapePatterns.find(([, pattern]) => pattern.test(type))?.[0] ?? null;
}

/**
 * The types of RFC 9209 §2.3 that are only used before anything of the request was sent. Not among them: TLS errors that may
 * come behind the handshake, and `destination_unavailable`, which gateways also use for requests that they cut at the end of a drain.
 */
const provesNotSent =
  /^(?:dns_|destination_(?:ip|not)_|connection_(?:refused|timeout|limit_reached)$|tls_certificate_error$|http_request_denied$)/;

function oneOf<T extends string>(words: string, value: unknown): T | null {
  return typeof value === 'string' && ` ${words} `.includes(` ${value} `) ? (value as T) : null;
}

/**
 * Proxy-Status (RFC 9209). The last member with an error wrote the answer: those behind it passed it on. Without an error, a member that
 * received the same status shows that the answer is the service's.
 */
export function readProxyStatus({ header, status }: ResponseFacts): AnswerEvidence | null {
  const members = header('proxy-status')?.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? [];
  for (const member of members.reverse()) {
    const type = parameter(member, 'error');
    if (type !== null) {
      return {
        writer: 'gateway',
        gateway: nameOf(member),
        proxyError: type,
        shape: shapeOfProxyError(type),
        ...(provesNotSent.test(type) ? { delivery: 'not_sent' } : {}),
      };
    }
    if (parameter(member, 'received-status') === String(status)) return { writer: 'service', gateway: null };
  }
  return null;
}

function nameOf(member: string): string {
  return member.trim().replace(/^"((?:[^"\\]|\\.)*)".*$|^([^;]*).*$/s, '$1$2');
}

/** Quoted text may have anything in it, such as `;error=`. */
function parameter(member: string, name: string): string | null {
  const bare = member.replace(/"(?:[^"\\]|\\.)*"/g, (text) => (/^"\w+"$/.test(text) ? text : '""'));
  return new RegExp(`; *${name}="?(\\w+)`).exec(bare)?.[1] ?? null;
}
