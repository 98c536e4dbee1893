import { fail, type Failure } from '#failures/failure.ts';
import { headerId } from '../core/header-names.ts';
import type { HeaderSink, RequestHead } from '../core/message.ts';
import { requestRules } from '#failures/rules.ts';
import { type GeneratedResponse, plainResponse } from './generate.ts';
import { noRouteFailure, type RoutedExchange, routedMethods } from './routed-methods.ts';
import { visibleText } from '../wire/visible-text.ts';

/**
 * Max-Forwards (RFC 9110 §7.6.2): how many more hops an OPTIONS or TRACE request may take. At 0 this gateway is the last
 * one and answers; above it the next hop gets one less. For other methods the header means nothing and goes on as it came.
 */
const maxForwardsId = headerId('max-forwards');

/** The highest number that is sent on; RFC 9110 §7.6.2 has each recipient choose one. */
const forwardsMax = 2 ** 31 - 1;

const number = /^[0-9]+$/;

function isLimited({ headers, method }: RequestHead): boolean {
  return headers.hasId(maxForwardsId) && (method === 'OPTIONS' || method === 'TRACE');
}

function forwardsOf({ headers }: RequestHead): string {
  return headers.get('max-forwards') ?? '';
}

/** Whether this gateway is the last hop; for requests in which `hopFailure` found nothing wrong. */
export function isLastHop(request: RequestHead): boolean {
  return isLimited(request) && Number(forwardsOf(request)) === 0;
}

/**
 * Why Max-Forwards lets a request take no other hop. Several of its lines are as wrong as a word: two gateways would read two
 * numbers. A request that ends here cannot loop, and is often sent to find out who sends requests in a loop: it is looked at first.
 */
export function hopFailure(exchange: RoutedExchange): Failure | null {
  const { request } = exchange;
  if (!isLimited(request)) return null;
  const value = forwardsOf(request);
  if (!number.test(value)) return refusal(value);
  if (Number(value) > 0) return null;
  const isRouted = request.method === 'TRACE' || routedMethods(exchange).length > 0;
  return isRouted ? null : noRouteFailure(exchange);
}

function refusal(value: string): Failure {
  const rule = 'max-forwards';
  const at = `Max-Forwards: ${visibleText(value, 40)}`;
  return fail('request_refused', 'request', { rule, status: requestRules[rule].status, at });
}

/** Writes the header for the next hop. */
export function writeMaxForwards(sink: HeaderSink, request: RequestHead): void {
  if (!request.headers.hasId(maxForwardsId)) return;
  const value = forwardsOf(request);
  sink.header('Max-Forwards', isLimited(request) ? String(Math.min(Number(value) - 1, forwardsMax)) : value);
}

/** The answer of the last hop. */
export function lastHopResponse(exchange: RoutedExchange, requestId: string): GeneratedResponse {
  const { request } = exchange;
  const id = ['X-Request-Id', visibleText(requestId, 128)] as const;
  if (request.method === 'OPTIONS')
    return plainResponse(200, [id, ['Allow', routedMethods(exchange).join(', ')]], '', 'OPTIONS');
  const headers = [
    ['Content-Type', 'message/http'],
    id,
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
  ] as const;
  return plainResponse(200, headers, reflected(request), 'TRACE');
}

/**
 * The headers that a TRACE request gets back: those that say which way it came, and what the client is. RFC 9110 §9.3.8 has
 * headers left out that may hold secrets: a script in a page must not read its user's cookies from the answer, nor a client
 * what the gateways before this one have added. A list of what may be shown is right for headers that are invented later.
 */
const reflectedHeaders = ['Max-Forwards', 'Via', 'CDN-Loop', 'User-Agent', 'Accept', 'Accept-Encoding'];

function reflected({ method, target, version, authority, headers }: RequestHead): string {
  const lines = reflectedHeaders.flatMap((name) => {
    const value = headers.get(name.toLowerCase());
    return value === null ? [] : [`${name}: ${value}\r\n`];
  });
  const host = authority === '' ? '' : `Host: ${authority}\r\n`;
  return `${method} ${target} ${version}\r\n${host}${lines.join('')}\r\n`;
}
