import type { ClientFacts } from '../core/exchange.ts';
import { fail, type Failure } from '../core/failure.ts';
import { type FieldFilter, fieldFilter } from '../core/field-names.ts';
import type {
  FieldSink,
  Framing,
  OutgoingRequest,
  OutgoingResponse,
  RequestHead,
  ResponseHead,
} from '../core/message.ts';
import type { Clock } from '../core/time.ts';
import { countVia, viaValue, writeForwarding } from '../wire/forwarded.ts';
import { httpDate } from '../wire/http-date.ts';
import { proxyStatusMember } from '../wire/proxy-status.ts';
import { isAcceptableRequestId } from '../wire/request-id.ts';
import { formatTraceparent, parseTraceparent } from '../wire/trace-context.ts';
import type { Endpoint, Ids, Route, Serving } from './ports.ts';

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

/** RFC 9110 §7.6.3: a request that bears our own name in Via has been here before. */
export function loopOf(request: RequestHead, deployment: string): Failure | null {
  if (!request.fields.has('via')) return null;
  const via = request.fields.get('via') ?? '';
  return countVia(via, deployment) === 0 ? null : fail('loop_detected', 'request', { via });
}

/** Field names of a request that are the gateway's to write; every route's filter begins with them. */
export const ownRequestFields: FieldFilter = fieldFilter([
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
  'x-request-id',
  'traceparent',
  'tracestate',
  'expect',
]);

/** Field names of a response that are the gateway's to write. */
export const ownResponseFields: FieldFilter = fieldFilter(['x-request-id', 'proxy-status']);

/** What of an exchange goes into the request that its endpoint sees. */
export interface ForwardFacts {
  readonly id: string;
  readonly identity: Identity;
  readonly client: ClientFacts;
}

/** The request as the endpoint shall see it. */
export class ForwardedRequest implements OutgoingRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly target: string;
  readonly framing: Framing;
  readonly #request: RequestHead;
  readonly #facts: ForwardFacts;
  readonly #route: Route;
  readonly #deployment: string;
  readonly #ids: Ids;

  constructor(request: RequestHead, facts: ForwardFacts, route: Route, endpoint: Endpoint, serving: Serving, ids: Ids) {
    this.method = request.method;
    this.scheme = route.upstream?.secure === true ? 'https' : 'http';
    this.authority = authorityFor(route.host, request, endpoint);
    this.target = route.rewrite(request.target);
    this.framing = request.framing;
    this.#request = request;
    this.#facts = facts;
    this.#route = route;
    this.#deployment = serving.deployment;
    this.#ids = ids;
  }

  writeFields(sink: FieldSink): void {
    const { fields, version, authority } = this.#request;
    const { client, identity, id } = this.#facts;
    const { drop, lines } = this.#route.request;
    fields.writeTo(sink, drop);
    for (const [name, value] of lines) sink.field(name, value);
    sink.field('Via', viaValue(fields.get('via'), version, this.#deployment));
    writeForwarding(sink, fields, client, authority);
    sink.field('X-Request-Id', id);
    sink.field('traceparent', formatTraceparent(identity.traceId, this.#ids.spanId(), identity.traceFlags));
    // The state of a trace goes on with it; beside a new one it would be another's (W3C Trace Context §4.3).
    const state = identity.traceContinued ? fields.get('tracestate') : null;
    if (state !== null) sink.field('tracestate', state);
  }
}

function authorityFor(host: string, request: RequestHead, endpoint: Endpoint): string {
  if (host === 'client' && request.authority !== '') return request.authority;
  if (host !== 'endpoint' && host !== 'client') return host;
  return endpoint.address.startsWith('unix:') ? 'localhost' : endpoint.address;
}

function hasDate(lines: Route['response']['lines']): boolean {
  return lines.some(([name]) => name.toLowerCase() === 'date');
}

/** The response as the client shall see it: the endpoint's own, with our marks. */
export class ForwardedResponse implements OutgoingResponse {
  readonly status: number;
  readonly reason: string;
  readonly framing: Framing;
  readonly contentLength: number;
  readonly #response: ResponseHead;
  readonly #requestId: string;
  readonly #route: Route;
  readonly #deployment: string;
  readonly #clock: Clock;

  constructor(response: ResponseHead, requestId: string, route: Route, serving: Serving, clock: Clock) {
    this.status = response.status;
    this.reason = response.reason;
    this.framing = response.framing;
    this.contentLength = response.contentLength;
    this.#response = response;
    this.#requestId = requestId;
    this.#route = route;
    this.#deployment = serving.deployment;
    this.#clock = clock;
  }

  writeFields(sink: FieldSink): void {
    const { fields, status } = this.#response;
    const { drop, lines } = this.#route.response;
    fields.writeTo(sink, drop);
    for (const [name, value] of lines) sink.field(name, value);
    // RFC 9110 §6.6.1: a recipient with a clock adds the Date that the origin left out.
    if (!fields.has('date') && !hasDate(lines)) sink.field('Date', httpDate(this.#clock.wallTime()));
    sink.field('X-Request-Id', this.#requestId);
    const proxyStatus = this.#proxyStatus(status);
    if (proxyStatus !== null) sink.field('Proxy-Status', proxyStatus);
  }

  /** Members of hops behind us go on; a 502, 503 or 504 of the origin's own is marked as the origin's. */
  #proxyStatus(status: number): string | null {
    const { fields } = this.#response;
    const before = fields.has('proxy-status') ? fields.get('proxy-status') : null;
    if (status < 502 || status > 504) return before;
    const member = proxyStatusMember({ deployment: this.#deployment, receivedStatus: status });
    return before === null ? member : `${before}, ${member}`;
  }
}
