import type { AttemptFacts, ClientFacts } from '../core/exchange.ts';
import { clientClaimNames, type FieldFilter, fieldFilter, fieldId, gatewayFieldNames } from '../core/field-names.ts';
import type {
  Fields,
  Capabilities,
  FieldSink,
  Framing,
  OutgoingRequest,
  OutgoingResponse,
  RequestHead,
  ResponseHead,
} from '../core/message.ts';
import type { ClientCertificateFacts } from '../core/transport.ts';
import type { Clock } from '../core/time.ts';
import { prefixValue, writeForwarding } from '../wire/forwarded.ts';
import { cdnLoopValue, viaValue } from '../wire/hops.ts';
import { httpDate } from '../wire/http-date.ts';
import { appendProxyStatus, othersProxyStatus, proxyStatusMember } from '../wire/proxy-status.ts';
import { protocolsRequired } from '../wire/upgrade.ts';
import { webSocketKey } from '../wire/websocket-key.ts';
import type { TraceContext } from '../wire/trace-context.ts';
import { FirstHops } from './first-hops.ts';
import { forwardedValue } from './forwarded-value.ts';
import type { Identity } from './identity.ts';
import { isLoopAnswer } from './loop.ts';
import { writeMaxForwards } from './max-forwards.ts';
import type { Endpoint, Ids, Route, ServingRevision } from './ports.ts';
import { SinkWithout } from './sink-without.ts';
import { changedUrlFields, mayNameUrls } from './webdav-fields.ts';

const viaId = fieldId('via');
const cdnLoopId = fieldId('cdn-loop');
const dateId = fieldId('date');
const proxyStatusId = fieldId('proxy-status');
const trailerId = fieldId('trailer');

/** Field names of a request that the gateway writes itself; the field filters of every route include them. */
export interface OwnRequestFields {
  readonly ofUntrusted: FieldFilter;
  /** Without the fields in which trusted peers name the client: those are passed on. */
  readonly ofTrusted: FieldFilter;
}

/**
 * `addressHeader` is a header of their own in which trusted peers name the client; null: there is none. `Proxy` is always dropped:
 * CGI programs take it for the variable that names their own proxy (CVE-2016-5385).
 */
export function ownRequestFields(addressHeader: string | null): OwnRequestFields {
  const ofTrusted = fieldFilter([...gatewayFieldNames, 'expect', 'proxy']);
  const claims = addressHeader === null ? clientClaimNames : [...clientClaimNames, addressHeader];
  return { ofTrusted, ofUntrusted: fieldFilter(claims, ofTrusted, true) };
}

/** Field names of a response that the gateway writes itself. */
export const ownResponseFields: FieldFilter = fieldFilter(['x-request-id', 'proxy-status']);

/** The facts of an exchange that forwarded messages are made from. */
export interface ForwardFacts {
  readonly id: string;
  readonly identity: Identity;
  readonly client: ClientFacts;
  readonly clientCapabilities: Capabilities;
  readonly request: RequestHead;
  readonly serving: ServingRevision;
  readonly attempts: readonly Pick<AttemptFacts, 'endpoint'>[];
}

/** The request as it is sent to the endpoint. */
export class ForwardedRequest implements OutgoingRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly target: string;
  readonly framing: Framing;
  readonly upgrade: string | null;
  readonly webSocketKey: string | null;
  readonly takesTrailers: boolean;
  readonly #facts: ForwardFacts;
  readonly #route: Route;
  readonly #endpoint: string;
  readonly #ids: Ids;

  /**
   * `framing` is that of the body as it is sent, which filters may change. A body that they change ends in their time, so that no protocol
   * can follow it: `mayUpgrade` is false.
   */
  constructor(
    facts: ForwardFacts,
    route: Route,
    endpoint: Endpoint,
    ids: Ids,
    framing: Framing = facts.request.framing,
    mayUpgrade = true,
  ) {
    const { request } = facts;
    this.method = request.method;
    this.scheme = route.upstream?.secure === true ? 'https' : 'http';
    this.authority = authorityFor(route.hostSent, request, endpoint);
    this.target = route.rewrite(request.target);
    this.framing = framing;
    this.upgrade = mayUpgrade ? request.upgrade : null;
    this.webSocketKey = isExtendedConnect(request) ? webSocketKey((bytes) => ids.fill(bytes)) : null;
    this.takesTrailers = request.takesTrailers;
    this.#facts = facts;
    this.#route = route;
    this.#endpoint = endpoint.id;
    this.#ids = ids;
  }

  writeFields(sink: FieldSink): void {
    const { identity, id, request, client } = this.#facts;
    const { fields } = request;
    const { drop, dropOfTrusted, lines, edited } = this.#route.request;
    const usual = client.trusted ? dropOfTrusted : drop;
    const dropped = this.webSocketKey === null ? usual : without('sec-websocket', usual);
    const announcesInVain = fields.hasId(trailerId) && this.framing.kind !== 'chunked';
    const forwarded = announcesInVain ? without('trailer', dropped) : dropped;
    if (mayNameUrls(fields)) this.#writeWithUrls(sink, forwarded);
    else fields.writeTo(sink, forwarded);
    if (this.webSocketKey !== null) writeWebSocketFields(sink, fields, usual);
    for (const [name, value] of lines) sink.field(name, value);
    writeMaxForwards(sink, request);
    const own = edited === null ? sink : new SinkWithout(sink, edited);
    this.#writeHopFields(own);
    if (client.tls !== null && !client.trusted) writeClientCertificate(own, client.tls.clientCertificate);
    own.field('X-Request-Id', id);
    if (identity.trace !== null) this.#writeTrace(own, identity.trace);
  }

  #writeWithUrls(sink: FieldSink, drop: FieldFilter): void {
    const { request, client } = this.#facts;
    const changed = changedUrlFields(request, client, this.#route, this, drop);
    let dropped = drop;
    for (const [name] of changed) dropped = without(name === 'If' ? 'if' : 'destination', dropped);
    request.fields.writeTo(sink, dropped);
    for (const [name, value] of changed) sink.field(name, value);
  }

  /** `tracestate` is passed on only together with `traceparent` (W3C Trace Context §4.3). */
  #writeTrace(sink: FieldSink, trace: TraceContext): void {
    const { identity } = this.#facts;
    const spanId = identity.span === null ? '' : identity.span.spanId;
    this.#ids.writeTraceparent(sink, trace.traceId, trace.flags, spanId, this.#attemptNumber());
    const state = this.#facts.request.fields.get('tracestate');
    if (state !== null) sink.field('tracestate', state);
  }

  /** Two attempts of an exchange at the same endpoint follow each other. */
  #attemptNumber(): number {
    const { attempts } = this.#facts;
    return attempts.length < 2 ? 0 : attempts.findLastIndex(({ endpoint }) => endpoint === this.#endpoint);
  }

  /** The hops that the request has passed, and the client that it came from. */
  #writeHopFields(sink: FieldSink): void {
    const { client, request, serving } = this.#facts;
    const { fields, version, authority } = request;
    const { hop, prefixRemoved } = this.#route;
    if (prefixRemoved !== '') {
      const before = client.trusted ? fields.get('x-forwarded-prefix') : null;
      sink.field('X-Forwarded-Prefix', prefixValue(before, prefixRemoved));
    }
    if (!client.trusted && !fields.hasId(viaId) && !fields.hasId(cdnLoopId))
      return firstHops.write(sink, client, version, authority, serving.hopName, hop);
    sink.field('Via', viaValue(fields.get('via'), version, serving.hopName));
    sink.field('CDN-Loop', cdnLoopValue(fields.get('cdn-loop'), hop.member));
    writeForwarding(sink, fields, client, authority);
  }
}

/**
 * In the spelling of RFC 6455 §4.1, which HTTP/2 has in small letters (RFC 8441 §5.1): names are the same in either case, but some servers of HTTP/1.1
 * compare them to the letter.
 */
function writeWebSocketFields(sink: FieldSink, fields: Fields, drop: FieldFilter): void {
  for (const name of ['Sec-WebSocket-Version', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions']) {
    const value = forwardedValue(fields, name.toLowerCase(), drop);
    if (value !== null) sink.field(name, value);
  }
}

/** A trusted peer's own certificate says nothing of the client that it stands for. */
function writeClientCertificate(sink: FieldSink, certificate: ClientCertificateFacts | null): void {
  if (certificate === null) return;
  sink.field('X-Client-Cert-Subject', certificate.subject);
  sink.field('X-Client-Cert-Fingerprint', certificate.fingerprint);
}

/** Whether a 2xx opens a tunnel. RFC 8441 §5: WebSocket over HTTP/2 has neither Sec-WebSocket-Key nor Sec-WebSocket-Accept. */
export function isExtendedConnect({ version, upgrade }: RequestHead): boolean {
  return version === 'HTTP/2' && upgrade?.toLowerCase() === 'websocket';
}

/** `drop` with more names. One filter for each base and kind. */
function without(kind: keyof typeof moreDropped, drop: FieldFilter): FieldFilter {
  const { names, filters } = moreDropped[kind];
  const known = filters.get(drop);
  if (known !== undefined) return known;
  const filter = fieldFilter(names, drop);
  filters.set(drop, filter);
  return filter;
}

const moreDropped = {
  /** RFC 9110 §6.6.2: Trailer announces fields after the content; where none can follow, it is dropped. */
  trailer: { names: ['trailer'], filters: new WeakMap<FieldFilter, FieldFilter>() },
  /** The gateway writes them itself. */
  'sec-websocket': {
    names: ['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol', 'sec-websocket-extensions'],
    filters: new WeakMap<FieldFilter, FieldFilter>(),
  },
  'sec-websocket-accept': { names: ['sec-websocket-accept'], filters: new WeakMap<FieldFilter, FieldFilter>() },
  destination: { names: ['destination'], filters: new WeakMap<FieldFilter, FieldFilter>() },
  if: { names: ['if'], filters: new WeakMap<FieldFilter, FieldFilter>() },
};

/** Shared by all exchanges of a thread. */
const firstHops = new FirstHops();

function authorityFor(host: string, request: RequestHead, endpoint: Endpoint): string {
  if (host === 'client' && request.authority !== '') return request.authority;
  if (host !== 'endpoint' && host !== 'client') return host;
  return endpoint.authority;
}

function hasDate(lines: Route['response']['lines']): boolean {
  return lines.some(([name]) => name.toLowerCase() === 'date');
}

/** The response as it is sent to the client: the endpoint's, with the gateway's own fields. */
export class ForwardedResponse implements OutgoingResponse {
  readonly status: number;
  readonly reason: string;
  readonly framing: Framing;
  readonly contentLength: number;
  readonly #response: ResponseHead;
  readonly #facts: ForwardFacts;
  readonly #route: Route;
  readonly #clock: Clock;

  constructor(response: ResponseHead, facts: ForwardFacts, route: Route, clock: Clock) {
    this.status = response.status;
    this.reason = response.reason;
    this.framing = response.framing;
    this.contentLength = response.contentLength;
    this.#response = response;
    this.#facts = facts;
    this.#route = route;
    this.#clock = clock;
  }

  get upgrade(): string | null {
    return this.status === 426 ? protocolsRequired(this.#response.fields.get('upgrade')) : null;
  }

  get priority(): string | null {
    const { lines } = this.#route.response;
    const own = lines.length === 0 ? undefined : lines.find(([name]) => name.toLowerCase() === 'priority');
    return own === undefined ? this.#response.fields.get('priority') : own[1];
  }

  /** Trailers follow chunked content only; an answer to HEAD has the fields that the one to GET would have. */
  get #mayHaveTrailers(): boolean {
    const { clientCapabilities, request } = this.#facts;
    return clientCapabilities.trailers && (this.framing.kind === 'chunked' || request.method === 'HEAD');
  }

  writeFields(sink: FieldSink): void {
    const { fields, status } = this.#response;
    const { drop, lines } = this.#route.response;
    const isAccepted = status === 101 && isExtendedConnect(this.#facts.request);
    const dropped = isAccepted ? without('sec-websocket-accept', drop) : drop;
    fields.writeTo(sink, fields.hasId(trailerId) && !this.#mayHaveTrailers ? without('trailer', dropped) : dropped);
    for (const [name, value] of lines) sink.field(name, value);
    // RFC 9110 §6.6.1: a recipient with a clock adds the Date that the origin left out.
    if (!fields.hasId(dateId) && !hasDate(lines)) sink.field('Date', httpDate(this.#clock.wallTime()));
    sink.field('X-Request-Id', this.#facts.id);
    const proxyStatus = this.#proxyStatus(status);
    if (proxyStatus !== null) sink.field('Proxy-Status', proxyStatus);
  }

  /**
   * Members of hops behind the gateway are passed on, except those that use its name or cannot be parsed. A 502, 503 or 504 of the
   * origin gets a member that says so, and that it comes from a loop if the gateway itself has said that: each passage before learns it.
   */
  #proxyStatus(status: number): string | null {
    const { fields } = this.#response;
    const { deployment } = this.#facts.serving;
    const before = fields.hasId(proxyStatusId) ? othersProxyStatus(fields.get('proxy-status'), deployment) : null;
    if (status < 502 || status > 504) return before;
    const loop = isLoopAnswer(this.#response, deployment) ? { error: 'proxy_loop_detected' } : {};
    const member = proxyStatusMember({ deployment, ...loop, receivedStatus: status });
    return appendProxyStatus(before, member);
  }
}
