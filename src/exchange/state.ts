import { assert } from '../core/assert.ts';
import type { ClientFacts, EndedExchange, EndKind, SpanFacts } from '../core/exchange.ts';
import type { Failure } from '#failures/failure.ts';
import type { Capabilities, HttpVersion, RequestHead, MessageHeaders } from '../core/message.ts';
import type { Delivery } from '#failures/shape.ts';
import type { DownstreamStream } from '../core/stream.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import type { Instant } from '../core/time.ts';
import type { Recording } from '../core/recording.ts';
import { fillText } from '../core/template.ts';
import type { VariableSource } from '../core/variables.ts';
import { cookieValue } from '../policy/cookie-value.ts';
import { hostOf } from '../wire/host.ts';
import { plainPath } from '../wire/plain-path.ts';
import type { Attempt } from './attempt.ts';
import type { Tunnel } from './tunnel.ts';
import { type Identity, identify } from './identity.ts';
import type { RequestBuffer } from './request-buffer.ts';
import type { SplitChoice } from './split-choice.ts';
import type { Ids, Route, ServingRevision, Upstream } from './ports.ts';

/** The record keeps less; this bounds what an exchange holds until its end. */
const charactersMax = 2048;

/** The values of the headers with these names, which are lowercase; null if the request has none of them. */
export function recordedHeadersOf(
  headers: MessageHeaders,
  names: readonly string[],
): Readonly<Record<string, string>> | null {
  const found = names.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value.slice(0, charactersMax)] as const];
  });
  return found.length === 0 ? null : Object.fromEntries(found);
}

/**
 * The facts of an exchange: the recorder reads them at the end, and answers of the gateway and forwarded
 * messages are made from them. Only `Exchange` writes them.
 */
export class ExchangeState implements EndedExchange, VariableSource {
  readonly id: string;
  readonly traceId: string;
  readonly identity: Identity;
  readonly startedAt: Instant;
  readonly startedWall: number;
  readonly revision: number;
  readonly client: ClientFacts;
  readonly clientCapabilities: Capabilities;
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly version: HttpVersion;
  readonly headBytes: number;
  readonly recordedHeaders: Readonly<Record<string, string>> | null;
  endedAt: Instant;
  route = '';
  upstream = '';
  application = '';
  release: EndpointRelease | null = null;
  attempts: readonly Attempt[] = noAttempts;
  statusSent = 0;
  statusReceived = 0;
  grpcStatus: number | null = null;
  endKind: EndKind = 'forwarded';
  tunnel: Tunnel | null = null;
  failure: Failure | null = null;
  delivery: Delivery = 'not_sent';
  bytesFromClient = 0;
  bytesToClient = 0;
  filterMs = -1;
  /** For how long the request has waited for its body before an endpoint was chosen; −1: it has not. */
  bodyMs = -1;
  waitedMs = -1;

  recordedFields: Readonly<Record<string, string>> | null = null;

  readonly request: RequestHead;
  /** The revision of the configuration that the exchange uses from its begin to its end. */
  readonly serving: ServingRevision;
  /** The compiled route; `route` is its id. Null before a route was found. */
  matchedRoute: Route | null = null;
  /** Null unless the route divides its requests between upstreams. */
  split: SplitChoice | null = null;
  /** The gateway has begun to read the body of the request: a later attempt cannot send it from its first byte. */
  bodyReadBegun = false;
  /** The body, or its beginning, that came before an endpoint was chosen; null: there is none, or it has been sent and is not whole. */
  requestBuffer: RequestBuffer | null = null;
  /** The part of the body that was read and of which no byte was sent: the next attempt begins with it. */
  unsentBody: Uint8Array | null = null;
  /** The request's body is complete. */
  requestComplete = false;

  constructor(downstream: DownstreamStream, serving: ServingRevision, ids: Ids) {
    const { request, client, startedAt, startedWall } = downstream;
    this.identity = identify(request, client, startedWall, ids, serving.sampledShare ?? null);
    this.id = this.identity.requestId;
    this.traceId = this.identity.trace?.traceId ?? '';
    this.startedAt = startedAt;
    this.startedWall = startedWall;
    this.endedAt = startedAt;
    this.revision = serving.revision;
    this.client = client;
    this.clientCapabilities = downstream.capabilities;
    this.method = request.method;
    this.authority = request.authority;
    this.target = request.target;
    this.version = request.version;
    // Now, because the bytes of the head may be gone when the exchange ends.
    this.headBytes = request.headers.byteLength ?? 0;
    const { recordedHeaderNames = null } = serving;
    this.recordedHeaders =
      recordedHeaderNames === null ? null : recordedHeadersOf(request.headers, recordedHeaderNames);
    this.request = request;
    this.serving = serving;
  }

  get recording(): Recording | null {
    return this.matchedRoute?.recording ?? null;
  }

  /** While the bytes of the request's head are there. */
  protected noteFields(fields: NonNullable<Recording['fields']>): void {
    this.recordedFields = Object.fromEntries(
      fields.map(([name, text]) => [name, fillText(text, this, (value) => value)]),
    );
  }

  /** For the client's side, which reads the body. */
  get requestBytesMax(): number | null | undefined {
    return this.matchedRoute?.bodyLimits?.requestBytesMax;
  }

  get span(): SpanFacts | null {
    return this.identity.span;
  }

  /** The upstream that was drawn, where another one has got the request; '' otherwise. */
  get drawnUpstream(): string {
    const drawn = this.split?.upstream ?? '';
    return drawn === this.upstream ? '' : drawn;
  }

  get announcedBytes(): number {
    const { framing } = this.request;
    return framing.kind === 'length' ? framing.bytes : 0;
  }

  /** The client has been sent the head of a response: no retry and no other answer is possible. */
  get committed(): boolean {
    return this.statusSent > 0;
  }

  get deployment(): string {
    return this.serving.deployment;
  }

  get host(): string {
    return hostOf(this.authority);
  }

  get path(): string {
    return plainPath(this.target).replace(/\?.*/s, '');
  }

  header(name: string): string | null {
    return this.request.headers.get(name);
  }

  cookie(name: string): string | null {
    const { headers } = this.request;
    const eachHeader = (wanted: string, visit: (value: string) => void): void =>
      headers.each((known, value) => {
        if (known === wanted) visit(value);
      });
    return cookieValue({ eachHeader }, name);
  }

  capture(name: string): string | null {
    return this.matchedRoute?.capture?.(this.path, name) ?? null;
  }

  requireRoute(): Route {
    assert(this.matchedRoute !== null, 'a route is found before it is used');
    return this.matchedRoute;
  }

  requireUpstream(): Upstream {
    const { upstream } = this.requireRoute();
    assert(upstream !== null, 'a route has an upstream, or a filter that answers');
    return upstream;
  }
}

/** An array that is pushed to allocates room for seventeen; nearly all exchanges have one attempt. */
const noAttempts: readonly Attempt[] = [];
