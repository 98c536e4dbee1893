import type { CgiFacts } from '../core/cgi.ts';
import type { AttemptFacts } from '../core/exchange.ts';
import type { FilterContext } from '../core/filter.ts';
import {
  clientClaimNames,
  type HeaderFilter,
  headerFilter,
  headerId,
  gatewayHeaderNames,
} from '../core/header-names.ts';
import type {
  MessageHeaders,
  Capabilities,
  HeaderSink,
  Framing,
  OutgoingRequest,
  OutgoingResponse,
  RequestHead,
  ResponseHead,
} from '../core/message.ts';
import { headerValue } from '../core/template.ts';
import type { VariableSource } from '../core/variables.ts';
import type { ClientCertificateFacts } from '../core/transport.ts';
import type { Clock } from '../core/time.ts';
import { prefixValue, writeForwarding } from '../wire/forwarded.ts';
import { cdnLoopValue, viaValue } from '../wire/hops.ts';
import { httpDate } from '../wire/http-date.ts';
import { dashed } from '../wire/known-names.ts';
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
import { sinkOfChanged } from './response-values.ts';
import { writeLines } from './write-lines.ts';
import { changedUrlHeaders, mayNameUrls } from './webdav-headers.ts';
import { eachHeaderLine } from '../core/header-lines.ts';

/** Passes on all headers but those with these lowercase names. */
class SinkWithout implements HeaderSink {
  readonly #sink: HeaderSink;
  readonly #names: ReadonlySet<string>;

  constructor(sink: HeaderSink, names: ReadonlySet<string>) {
    this.#sink = sink;
    this.#names = names;
  }

  header(name: string, value: string): void {
    if (!this.#names.has(name.toLowerCase())) this.#sink.header(name, value);
  }

  headerLines(bytes: Uint8Array, start: number, end: number): void {
    eachHeaderLine(bytes, start, end, (name, value) => this.header(name, value));
  }
}

const viaId = headerId('via');
const cdnLoopId = headerId('cdn-loop');
const dateId = headerId('date');
const proxyStatusId = headerId('proxy-status');
const trailerId = headerId('trailer');

/** Header names of a request that the gateway writes itself; the header filters of every route include them. */
export interface OwnRequestHeaders {
  readonly ofUntrusted: HeaderFilter;
  /** Without the headers in which trusted peers name the client: those are passed on. */
  readonly ofTrusted: HeaderFilter;
}

/**
 * `addressHeader` is a header of their own in which trusted peers name the client; null: there is none. `Proxy` is always dropped:
 * CGI programs take it for the variable that names their own proxy (CVE-2016-5385). `reserved`: by these headers features tell endpoints what
 * applications believe, such as who the user is; a peer in front that is trusted may pass on what its client has sent.
 */
export function ownRequestHeaders(addressHeader: string | null, reserved: readonly string[] = []): OwnRequestHeaders {
  const ofTrusted = headerFilter([...gatewayHeaderNames, 'expect', 'proxy', ...reserved, ...reserved.map(dashed)]);
  const claims = addressHeader === null ? clientClaimNames : [...clientClaimNames, addressHeader];
  return { ofTrusted, ofUntrusted: headerFilter(claims, ofTrusted, true) };
}

/** Header names of a response that the gateway writes itself. */
export const ownResponseHeaders: HeaderFilter = headerFilter(['x-request-id', 'proxy-status']);

/** The facts of an exchange that forwarded messages are made from. */
interface ForwardFacts extends VariableSource {
  readonly identity: Identity;
  readonly clientCapabilities: Capabilities;
  readonly request: RequestHead;
  readonly serving: ServingRevision;
  readonly attempts: readonly (Pick<AttemptFacts, 'endpoint'> & {
    readonly chosenEndpoint: Pick<Endpoint, 'authority' | 'address'>;
  })[];
  /** Null or absent: the route has none. */
  readonly filters?: FilterContext | null;
}

/** What filters have changed in a request. */
interface FilterChanges {
  readonly bodies: { readonly changesRequest: boolean };
  readonly requestHeadersRemoved: ReadonlySet<string> | null;
  readonly requestHeadersSet: ReadonlyMap<string, string> | null;
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
  readonly #removed: ReadonlySet<string> | null;
  readonly #set: ReadonlyMap<string, string> | null;

  /**
   * `framing` is that of the body as it is sent, which filters may change. A body that they change ends in their time, so that no protocol
   * can follow it.
   */
  constructor(
    facts: ForwardFacts,
    route: Route,
    endpoint: Endpoint,
    ids: Ids,
    framing: Framing = facts.request.framing,
    filters: FilterChanges | null = null,
  ) {
    const { request } = facts;
    this.method = request.method;
    this.scheme = route.upstream?.secure === true ? 'https' : 'http';
    this.authority = authorityFor(route.hostSent, request, endpoint);
    this.target = route.rewrite.target(request.target, facts);
    this.framing = framing;
    this.upgrade = filters?.bodies.changesRequest === true ? null : request.upgrade;
    this.#removed = filters?.requestHeadersRemoved ?? null;
    this.#set = filters?.requestHeadersSet ?? null;
    this.webSocketKey = isExtendedConnect(request) ? webSocketKey((bytes) => ids.fill(bytes)) : null;
    this.takesTrailers = request.takesTrailers;
    this.#facts = facts;
    this.#route = route;
    this.#endpoint = endpoint.id;
    this.#ids = ids;
  }

  writeHeaders(sink: HeaderSink): void {
    const { identity, id, request, client } = this.#facts;
    const { headers } = request;
    const { drop, dropOfTrusted, lines, edited } = this.#route.request;
    const usual = client.trusted ? dropOfTrusted : drop;
    const dropped = this.webSocketKey === null ? usual : without('sec-websocket', usual);
    const announcesInVain = headers.hasId(trailerId) && this.framing.kind !== 'chunked';
    const forwarded = announcesInVain ? without('trailer', dropped) : dropped;
    const ofClient = this.#removed === null ? sink : new SinkWithout(sink, this.#removed);
    if (mayNameUrls(headers)) this.#writeWithUrls(ofClient, forwarded);
    else headers.writeTo(ofClient, forwarded);
    if (this.webSocketKey !== null) writeWebSocketHeaders(sink, headers, usual);
    writeLines(sink, lines, this.#facts);
    if (this.#set !== null) for (const [name, value] of this.#set) sink.header(name, value);
    writeMaxForwards(sink, request);
    const own = edited === null ? sink : new SinkWithout(sink, edited);
    this.#writeHopHeaders(own);
    if (client.tls !== null && !client.trusted) writeClientCertificate(own, client.tls.clientCertificate);
    own.header('X-Request-Id', id);
    if (identity.trace !== null) this.#writeTrace(own, identity.trace);
  }

  cgi(): CgiFacts {
    const { client, request, filters = null } = this.#facts;
    const { script, prefixRemoved } = this.#route;
    const { version, target } = request;
    return { client, version, target, prefixRemoved, script: filters === null ? null : (script?.(filters) ?? null) };
  }

  #writeWithUrls(sink: HeaderSink, drop: HeaderFilter): void {
    const { request, client } = this.#facts;
    const changed = changedUrlHeaders(request, client, this.#route, this, drop);
    let dropped = drop;
    for (const [name] of changed) dropped = without(name === 'If' ? 'if' : 'destination', dropped);
    request.headers.writeTo(sink, dropped);
    for (const [name, value] of changed) sink.header(name, value);
  }

  /** `tracestate` is passed on only together with `traceparent` (W3C Trace Context §4.3). */
  #writeTrace(sink: HeaderSink, trace: TraceContext): void {
    const { identity } = this.#facts;
    const spanId = identity.span === null ? '' : identity.span.spanId;
    this.#ids.writeTraceparent(sink, trace.traceId, trace.flags, spanId, this.#attemptNumber());
    const state = this.#facts.request.headers.get('tracestate');
    if (state !== null) sink.header('tracestate', state);
  }

  /** Two attempts of an exchange at the same endpoint follow each other. */
  #attemptNumber(): number {
    const { attempts } = this.#facts;
    return attempts.length < 2 ? 0 : attempts.findLastIndex(({ endpoint }) => endpoint === this.#endpoint);
  }

  /** The hops that the request has passed, and the client that it came from. */
  #writeHopHeaders(sink: HeaderSink): void {
    const { client, request, serving } = this.#facts;
    const { headers, version, authority } = request;
    const { hop, prefixRemoved } = this.#route;
    if (prefixRemoved !== '') {
      const before = client.trusted ? headers.get('x-forwarded-prefix') : null;
      sink.header('X-Forwarded-Prefix', prefixValue(before, prefixRemoved));
    }
    if (!client.trusted && !headers.hasId(viaId) && !headers.hasId(cdnLoopId))
      return firstHops.write(sink, client, version, authority, serving.hopName, hop);
    sink.header('Via', viaValue(headers.get('via'), version, serving.hopName));
    sink.header('CDN-Loop', cdnLoopValue(headers.get('cdn-loop'), hop.member));
    writeForwarding(sink, headers, client, authority);
  }
}

/**
 * In the spelling of RFC 6455 §4.1, which HTTP/2 has in small letters (RFC 8441 §5.1): names are the same in either case, but some servers of HTTP/1.1
 * compare them to the letter.
 */
function writeWebSocketHeaders(sink: HeaderSink, headers: MessageHeaders, drop: HeaderFilter): void {
  for (const name of ['Sec-WebSocket-Version', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions']) {
    const value = forwardedValue(headers, name.toLowerCase(), drop);
    if (value !== null) sink.header(name, value);
  }
}

/** A trusted peer's own certificate says nothing of the client that it stands for. */
function writeClientCertificate(sink: HeaderSink, certificate: ClientCertificateFacts | null): void {
  if (certificate === null) return;
  sink.header('X-Client-Cert-Subject', certificate.subject);
  sink.header('X-Client-Cert-Fingerprint', certificate.fingerprint);
}

/** Whether a 2xx opens a tunnel. RFC 8441 §5: WebSocket over HTTP/2 has neither Sec-WebSocket-Key nor Sec-WebSocket-Accept. */
export function isExtendedConnect({ version, upgrade }: RequestHead): boolean {
  return version === 'HTTP/2' && upgrade?.toLowerCase() === 'websocket';
}

/** `drop` with more names. One filter for each base and kind. */
function without(kind: keyof typeof moreDropped, drop: HeaderFilter): HeaderFilter {
  const { names, filters } = moreDropped[kind];
  const known = filters.get(drop);
  if (known !== undefined) return known;
  const filter = headerFilter(names, drop);
  filters.set(drop, filter);
  return filter;
}

/** The release is named in the head of the response alone, by the gateway. */
export function interimDrop(drop: HeaderFilter): HeaderFilter {
  return without('x-candor-release', drop);
}

const moreDropped = {
  /** RFC 9110 §6.6.2: Trailer announces headers after the body; where none can follow, it is dropped. */
  trailer: { names: ['trailer'], filters: new WeakMap<HeaderFilter, HeaderFilter>() },
  /** The gateway writes them itself. */
  'sec-websocket': {
    names: ['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol', 'sec-websocket-extensions'],
    filters: new WeakMap<HeaderFilter, HeaderFilter>(),
  },
  'sec-websocket-accept': { names: ['sec-websocket-accept'], filters: new WeakMap<HeaderFilter, HeaderFilter>() },
  'x-candor-release': { names: ['x-candor-release'], filters: new WeakMap<HeaderFilter, HeaderFilter>() },
  destination: { names: ['destination'], filters: new WeakMap<HeaderFilter, HeaderFilter>() },
  if: { names: ['if'], filters: new WeakMap<HeaderFilter, HeaderFilter>() },
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

/** The response as it is sent to the client: the endpoint's, with the gateway's own headers. */
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
    return this.status === 426 ? protocolsRequired(this.#response.headers.get('upgrade')) : null;
  }

  get priority(): string | null {
    const { lines } = this.#route.response;
    const own = lines.length === 0 ? undefined : lines.find(([name]) => name.toLowerCase() === 'priority');
    return own === undefined ? this.#response.headers.get('priority') : headerValue(own[1], this.#facts);
  }

  /** Trailers follow a chunked body only; an answer to HEAD has the headers that the one to GET would have. */
  get #mayHaveTrailers(): boolean {
    const { clientCapabilities, request } = this.#facts;
    return clientCapabilities.trailers && (this.framing.kind === 'chunked' || request.method === 'HEAD');
  }

  writeHeaders(sink: HeaderSink): void {
    const { headers, status } = this.#response;
    const { drop, lines, ifAbsent, ofRequest } = this.#route.response;
    const isAccepted = status === 101 && isExtendedConnect(this.#facts.request);
    const dropped = isAccepted ? without('sec-websocket-accept', drop) : drop;
    const own = sinkOfChanged(sink, headers, this.#route, this.#facts) ?? sink;
    headers.writeTo(own, headers.hasId(trailerId) && !this.#mayHaveTrailers ? without('trailer', dropped) : dropped);
    writeLines(sink, lines, this.#facts);
    if (ifAbsent.length > 0 && status !== 101)
      writeLines(
        sink,
        ifAbsent.filter(([name]) => !headers.has(name.toLowerCase())),
        this.#facts,
      );
    ofRequest?.(this.#facts, sink);
    // RFC 9110 §6.6.1: a recipient with a clock adds the Date that the origin left out.
    if (!headers.hasId(dateId) && !hasDate(lines)) sink.header('Date', httpDate(this.#clock.wallTime()));
    sink.header('X-Request-Id', this.#facts.id);
    const proxyStatus = this.#proxyStatus(status);
    if (proxyStatus !== null) sink.header('Proxy-Status', proxyStatus);
  }

  /**
   * Members of hops behind the gateway are passed on, except those that use its name or cannot be parsed. A 502, 503 or 504 of the
   * origin gets a member that says so, and that it comes from a loop if the gateway itself has said that: each passage before learns it.
   */
  #proxyStatus(status: number): string | null {
    const { headers } = this.#response;
    const { deployment } = this.#facts.serving;
    const before = headers.hasId(proxyStatusId) ? othersProxyStatus(headers.get('proxy-status'), deployment) : null;
    if (status < 502 || status > 504) return before;
    const loop = isLoopAnswer(this.#response, deployment) ? { error: 'proxy_loop_detected' } : {};
    const member = proxyStatusMember({ deployment, ...loop, receivedStatus: status });
    return appendProxyStatus(before, member);
  }
}
