import type { Cause } from '../../../failures/src/failure.ts';
import { type ProxyErrorType, proxyErrors } from '../../../failures/src/proxy-error.ts';
import type { Delivery, Shape, Whose } from '../../../failures/src/shape.ts';
import { type AnsweredResponse, type ParsedAnswer, readAnswer, readProxyStatus } from './answer.ts';
import type { Layer } from './layer.ts';

/** What a gateway says, in its own response, about why it had none of the application. Null: the response does not show it. */
export interface AnsweredFailure {
  readonly shape: Shape | null;
  /** RFC 9209 §2.3. */
  readonly type: ProxyErrorType | null;
  /** The cause that Candor would have named; null where several fit. */
  readonly cause: Cause | null;
  readonly whose: Whose | null;
  /**
   * `not_sent` and `refused_by_peer` are proofs: the gateway writes these words only where no endpoint has received the
   * request, unless its operator lets it repeat requests that are not idempotent.
   */
  readonly delivery: Delivery | null;
}

/** A cause, a type that several causes have, or, where even the type is open, a shape. */
type AnsweredWord = AnsweredCause | ProxyErrorType | Shape;

/** Words of a layer's responses, and what they mean. The first match counts. */
export interface AnsweredWords {
  readonly layers: readonly Layer[];
  readonly words: RegExp;
  readonly failure: AnsweredWord;
  readonly delivery: Delivery | null;
}

const envoys: readonly Layer[] = ['envoy', 'istio', 'gcp-lb', 'google-frontend'];

const of = (
  layers: readonly Layer[] | Layer,
  words: RegExp,
  failure: AnsweredWord,
  delivery: Delivery | null = null,
): AnsweredWords => ({ layers: typeof layers === 'string' ? [layers] : layers, words, failure, delivery });

/** Type and party of the causes that occur here. The whole table of failures, with all its texts, is too large for a page; a test compares the two. */
export const answeredCauses = {
  connect_refused: ['connection_refused', 'application'],
  connect_unroutable: ['destination_ip_unroutable', 'network'],
  connect_timeout: ['connection_timeout', 'network'],
  dns_failed: ['dns_error', 'network'],
  pool_full: ['connection_limit_reached', 'gateway'],
  no_endpoint_ready: ['destination_unavailable', 'application'],
  no_route: ['destination_not_found', 'client'],
  stream_refused: ['connection_terminated', 'application'],
  closed_before_response: ['connection_terminated', 'application'],
  reset_before_response: ['connection_terminated', 'application'],
  response_head_timeout: ['http_response_timeout', 'application'],
} as const satisfies Partial<Record<Cause, readonly [type: ProxyErrorType, whose: Whose]>>;

type AnsweredCause = keyof typeof answeredCauses;

/** What a word says of the failure. */
export function meaningOf(word: AnsweredWord): Omit<AnsweredFailure, 'delivery'> {
  if (Object.hasOwn(answeredCauses, word)) {
    const cause = word as AnsweredCause;
    const [type, whose] = answeredCauses[cause];
    return { shape: proxyErrors[type].shape, type, cause, whose };
  }
  const isType = Object.hasOwn(proxyErrors, word);
  const type = isType ? (word as ProxyErrorType) : null;
  return { shape: type === null ? (word as Shape) : proxyErrors[type].shape, type, cause: null, whose: null };
}

/** Envoy marks the answer to a request that it sent several times: then the last failure says nothing of the earlier ones. */
const afterRetries = /retried and the latest reset reason: /;

export const failureWords: readonly AnsweredWords[] = [
  // Envoy's words for the end of the upstream's stream. Only a failed connection and a full pool precede the request.
  of(
    envoys,
    /reset reason: (?:remote |local )?connection failure.{0,120}connect error: 111\b/,
    'connect_refused',
    'not_sent',
  ),
  of(
    envoys,
    /reset reason: (?:remote |local )?connection failure.{0,120}connect error: 113\b/,
    'connect_unroutable',
    'not_sent',
  ),
  of(
    envoys,
    /reset reason: (?:remote |local )?connection failure.{0,120}CERTIFICATE_VERIFY_FAILED/,
    'tls_certificate_error',
    'not_sent',
  ),
  of(envoys, /reset reason: (?:remote |local )?connection failure/, 'unreachable', 'not_sent'),
  of(envoys, /reset reason: connection timeout/, 'connect_timeout', 'not_sent'),
  of(envoys, /reset reason: overflow/, 'pool_full', 'not_sent'),
  of(envoys, /reset reason: remote refused stream reset/, 'stream_refused', 'refused_by_peer'),
  of(envoys, /reset reason: connection termination/, 'closed_before_response', 'sent_unknown'),
  of(envoys, /reset reason: remote reset/, 'reset_before_response', 'sent_unknown'),
  of(envoys, /reset reason: local reset/, 'connection_terminated', 'sent_unknown'),
  of(envoys, /reset reason: protocol error/, 'http_protocol_error', 'response_started'),
  // No proof: Istio repeats requests by itself, and these words do not say whether an earlier attempt was sent.
  of(envoys, /^no healthy upstream/, 'no_endpoint_ready'),
  of(envoys, /^upstream (?:request timeout|max stream duration)/, 'response_head_timeout', 'sent_unknown'),
  of(envoys, /^(?:RBAC: access denied|local_rate_limited|Jwt )/, 'http_request_denied', 'not_sent'),

  of('haproxy', /No server is available to handle this request/, 'no_endpoint_ready', 'not_sent'),
  of('haproxy', /The server didn't respond in time/, 'response_head_timeout', 'sent_unknown'),
  of(
    'haproxy',
    /Request forbidden by administrative rules|You have sent too many requests/,
    'http_request_denied',
    'not_sent',
  ),
  of('haproxy', /Your browser sent an invalid request/, 'http_request_error', 'not_sent'),
  // A part of the body may have been forwarded by then.
  of('haproxy', /Your browser didn't send a complete request in time/, 'http_request_error'),
  of('apache', /did not receive a timely response/, 'too_slow'),
  of('traefik', /^no available server/, 'no_endpoint_ready', 'not_sent'),
  of('kong', /failure to get a peer from the ring-balancer/, 'no_endpoint_ready', 'not_sent'),
  of('kong', /"name resolution failed"/, 'dns_failed', 'not_sent'),
  of('kong', /no Route matched with those values/, 'no_route', 'not_sent'),
  of('apisix', /404 Route Not Found/, 'no_route', 'not_sent'),
  of('kamal-proxy', /<title>504 /, 'too_slow'),
  of('aws-api-gateway', /Endpoint request timed out/, 'response_head_timeout', 'sent_unknown'),
  of('aws-api-gateway', /Too Many Requests|Limit Exceeded/, 'http_request_denied', 'not_sent'),

  // https://vercel.com/docs/errors
  of('vercel', /\b(?:\w{1,40}_)?INVOCATION_TIMEOUT\b|Function has timed out/, 'response_head_timeout', 'sent_unknown'),
  of('vercel', /\bNO_RESPONSE_FROM_FUNCTION\b/, 'closed_before_response', 'sent_unknown'),
  of('vercel', /\bDNS_HOSTNAME_(?:NOT_FOUND|RESOLVE_FAILED|SERVER_ERROR|EMPTY)\b/, 'dns_failed', 'not_sent'),
  of('vercel', /\bFUNCTION_THROTTLED\b/, 'connection_limit_reached', 'not_sent'),

  // The state of the fetch stands in the heading of the page.
  of(['fastly', 'varnish'], /\bfirst byte timeout\b/, 'response_head_timeout', 'sent_unknown'),
  of('fastly', /\b(?:[Bb]ackend is unhealthy|No healthy backends)\b/, 'no_endpoint_ready', 'not_sent'),
  of('fastly', /Fastly error: unknown domain/, 'no_route', 'not_sent'),
];

/** https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/; 1xxx are codes beside 530 and 4xx. */
export const cloudflareCodes: Readonly<Record<number, Pick<AnsweredWords, 'failure' | 'delivery'>>> = {
  520: { failure: 'http_protocol_error', delivery: null },
  521: { failure: 'connect_refused', delivery: 'not_sent' },
  // Also the code of a request that the origin has not acknowledged for 90 seconds.
  522: { failure: 'connect_timeout', delivery: null },
  523: { failure: 'connect_unroutable', delivery: 'not_sent' },
  524: { failure: 'response_head_timeout', delivery: 'sent_unknown' },
  525: { failure: 'tls_protocol_error', delivery: 'not_sent' },
  526: { failure: 'tls_certificate_error', delivery: 'not_sent' },
  1015: { failure: 'http_request_denied', delivery: 'not_sent' },
  1016: { failure: 'dns_failed', delivery: 'not_sent' },
  1020: { failure: 'http_request_denied', delivery: 'not_sent' },
  1033: { failure: 'no_endpoint_ready', delivery: 'not_sent' },
};

const unknown: AnsweredFailure = { shape: null, type: null, cause: null, whose: null, delivery: null };

/** An application's 5xx is its own answer; what it has done until then, only the application knows. */
const ownError: AnsweredFailure = {
  ...unknown,
  shape: 'app_error',
  whose: 'application',
  delivery: 'response_started',
};

/** The failure that the author of a response reports in it. Never throws; members are null where the words do not show them. */
export function answeredFailure(response: AnsweredResponse, author: Layer): AnsweredFailure {
  const answer = readAnswer(response);
  const reported = ofProxyStatus(answer);
  if (author === 'candor') return { ...(reported ?? unknown), ...ofCandor(answer.body) };
  if (reported !== null) return reported;
  if (author === 'application') return answer.status >= 500 ? ownError : unknown;
  if (author === 'cloudflare') return ofCloudflare(answer);
  const found = failureWords.find(({ layers, words }) => layers.includes(author) && words.test(answer.body));
  if (found === undefined) return unknown;
  const isProven = !afterRetries.test(answer.body) && !(envoys.includes(author) && isFromBehind(answer));
  return { ...meaningOf(found.failure), delivery: isProven ? found.delivery : null };
}

/** The outer Envoy measured an answer from behind it: of an inner Envoy, or of an application that passes on the words of a service that it has asked. */
const isFromBehind = (answer: ParsedAnswer): boolean => answer.field('x-envoy-upstream-service-time') !== null;

function ofProxyStatus(answer: ParsedAnswer): AnsweredFailure | null {
  const error = readProxyStatus(answer.field('proxy-status')).find((member) => member.error !== null)?.error ?? '';
  if (!Object.hasOwn(proxyErrors, error)) return null;
  const type = error as ProxyErrorType;
  return { ...unknown, shape: proxyErrors[type].shape, type };
}

/** Candor's problem details have its own words. */
function ofCandor(body: string): Partial<AnsweredFailure> {
  const names = { cause: 'cause', shape: 'shape', whose: 'whose', type: 'proxy_error', delivery: 'delivery' } as const;
  const members = Object.entries(names).flatMap(([name, member]) => {
    const value = new RegExp(`"${member}":\\s?"(\\w{1,60})"`).exec(body)?.[1];
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(members) as Partial<AnsweredFailure>;
}

function ofCloudflare(answer: ParsedAnswer): AnsweredFailure {
  const [, ofText] = /\berror(?: code)?:? (1\d{3})\b/i.exec(answer.body.slice(0, 4_096)) ?? [];
  const found = cloudflareCodes[Number(ofText ?? answer.status)];
  return found === undefined ? unknown : { ...meaningOf(found.failure), delivery: found.delivery };
}
