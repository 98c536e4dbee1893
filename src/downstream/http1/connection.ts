import type { ClientEngine } from '../../core/client-engine.ts';
import type { ClientFacts } from '../../core/exchange.ts';
import type { Failure } from '#failures/failure.ts';
import type { HeaderFilter } from '../../core/header-names.ts';
import type { Capabilities, MessageHeaders, OutgoingResponse, Ownership, RequestHead } from '../../core/message.ts';
import type { RequestRule } from '#failures/rules.ts';
import type { DownstreamStream } from '../../core/stream.ts';
import type { Instant } from '../../core/time.ts';
import type { Transport, TransportListener } from '../../core/transport.ts';
import type { ParsedRequestHead } from '../../wire/parsed-request-head.ts';
import { type HeadLimits, methodBytesMax } from '../../wire/limits.ts';
import { clientFacts } from '../client-facts.ts';
import type { ListenerSettings } from '../listener-settings.ts';
import type { Peer } from '../peer.ts';
import type { DownstreamPorts } from '../ports.ts';
import { ClientTimeouts } from '../timeouts.ts';
import type { Http1Buffers } from './buffers.ts';
import { bodyTooLarge } from '../../core/body-limit.ts';
import { refusal } from '../client-failures.ts';
import { Http1ConnectionLifetime } from './connection-lifetime.ts';
import { refusedRequest } from '../refused-request.ts';
import { type RequestListener, RequestReader } from './request-reader.ts';
import { hostOf } from '../../wire/host.ts';
import { ResponseWriter } from './response-writer.ts';

const http11: Capabilities = { protocol: 'http/1.1', multiplexed: false, trailers: true };
const http10: Capabilities = { protocol: 'http/1.0', multiplexed: false, trailers: false };

/** Stands for the request before the first one has come. */
const noRequest = refusedRequest('', '', 'http');

/**
 * One HTTP/1 connection of a client: it reads requests and writes their responses, in order.
 *
 *     requests ──head──▶ exchange ──sent──▶ requests        any ──▶ lingering ──▶ closed
 *
 * `connection-lifetime.ts` has the ways in which it ends.
 */
export class Http1ClientConnection
  extends Http1ConnectionLifetime
  implements ClientEngine, TransportListener, DownstreamStream, RequestListener
{
  client: ClientFacts;
  request: RequestHead = noRequest;
  startedAt: Instant;
  startedWall = 0;
  protected readonly reader: RequestReader;
  protected readonly writer: ResponseWriter;
  protected readonly timeouts: ClientTimeouts;
  readonly #peer: Peer;
  /** Refuses the only request of the connection. */
  #refusesNext: Failure | null = null;
  /** The last authority that was found to be served here. */
  #servedAuthority: string | null = null;

  constructor(
    transport: Transport,
    peer: Peer,
    listener: ListenerSettings,
    ports: DownstreamPorts,
    { writer, storage }: Http1Buffers,
  ) {
    super(transport, listener, ports);
    this.#peer = peer;
    this.client = clientFacts(peer, null, ports);
    this.reader = new RequestReader(
      transport,
      headLimits(listener),
      peer.scheme,
      peer.scheme === 'https' || this.client.trusted,
      listener.limits.pipelinedMax,
      storage,
      this,
    );
    this.writer = new ResponseWriter(transport, writer);
    this.timeouts = new ClientTimeouts(transport, listener.limits, ports.clock, ports.sendQueueBytes, this);
    this.startedAt = ports.clock.now();
    this.startedWall = ports.clock.wallTime();
    transport.listener = this;
    ports.deadlines.add(this.timeouts);
    this.timeouts.await('head');
  }

  /** Of the client that sent the request: HTTP/1.0 has neither chunks nor trailers. */
  get capabilities(): Capabilities {
    return this.request.version === 'HTTP/1.0' ? http10 : http11;
  }

  get bodyAtHand(): boolean {
    return this.reader.bodyAtHand;
  }

  get restAtHand(): boolean {
    return this.reader.restAtHand;
  }

  get bodyReceived(): number {
    return this.reader.bodyReceived;
  }

  // The request.

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    try {
      this.reader.push(bytes, start, end);
    } catch (error) {
      this.onDefect(error);
    }
  }

  onHeadBegins(): void {
    this.startedAt = this.ports.clock.now();
    this.startedWall = this.ports.clock.wallTime();
  }

  onHeadAwaited(): void {
    this.timeouts.awaitAtRate('head-end');
  }

  onHead(head: ParsedRequestHead): void {
    this.requestEndedAt = this.startedAt;
    this.request = head;
    // The facts of a connection hold for all its requests, unless its peer is trusted and names the client of each. A reload
    // may change whether it is trusted, so it is looked up for each request.
    const trusted = this.ports.isTrusted(this.client.peerAddress);
    if (trusted || this.client.trusted) this.client = clientFacts(this.#peer, head.headers, this.ports);
    this.persistent = head.keepAlive && !this.draining;
    const { framing } = head;
    this.asksClose = !head.keepAlive && head.version === 'HTTP/1.1' && framing.kind === 'none';
    const overload = this.ports.overload.failure;
    const refused = this.#refusesNext ?? overload;
    if (refused !== null) this.persistent = false; // The connection takes memory too.
    this.#begin(refused ?? (trusted ? null : this.#misdirection(head.authority)));
  }

  /**
   * RFC 9110 §7.4: a connection whose certificate is another host's. Clients have one host per connection, mostly; gateways that are trusted,
   * which the RFC excepts, use one for many.
   */
  #misdirection(authority: string): Failure | null {
    const { servesHost } = this.#peer;
    // HTTP/1.0 allows requests without a host: they ask for no other one.
    if (servesHost === null || authority === '' || authority === this.#servedAuthority) return null;
    if (!servesHost(hostOf(authority))) return refusal('misdirected', '');
    this.#servedAuthority = authority;
    return null;
  }

  onHeadRefused(rule: RequestRule, at: string): void {
    this.beginRefused(this.#refusesNext ?? refusal(rule, at));
  }

  refuse(rule: RequestRule, at: string): void {
    this.beginRefused(refusal(rule, at));
  }

  refuseNext(rule: RequestRule, at: string): void {
    this.#refusesNext = refusal(rule, at);
  }

  protected beginRefused(failure: Failure): void {
    this.reader.end();
    this.persistent = false;
    this.asksClose = false;
    this.request = refusedRequest(this.reader.head.methodIfRead, this.reader.head.targetIfRead, this.#peer.scheme);
    this.#begin(failure);
  }

  #begin(failure: Failure | null): void {
    this.phase = 'exchange';
    this.timeouts.await('nothing');
    this.writer.begin();
    const handler = this.ports.exchanges.create(this);
    this.handler = handler;
    this.ports.counts.exchangesActive++;
    handler.onRequest(failure);
  }

  get bodyBytesMax(): number | null {
    return this.listener.limits.bodyBytesMax;
  }

  onBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    if (this.reader.ended) return; // It failed earlier in this run of chunks.
    // The bytes of a tunnel are no request body, and a tunnel may carry any number of them.
    const isTunnelled = this.tunnel && !this.tunnelWaits;
    const failure = isTunnelled ? null : bodyTooLarge(this.reader.body.bytesReceived, this, this.handler);
    if (failure !== null) return this.failRequest(failure);
    this.handler?.onRequestBody(bytes, start, end, ownership);
  }

  onBodyRead(): void {
    const { state, trailers } = this.reader.body;
    if (state === 'whole') this.endRequest(trailers);
    else if (state === 'refused') this.failRequest(refusal(this.reader.body.rule, ''));
    else this.#watchBody();
  }

  onRead(): void {
    if (this.phase === 'lingering') this.timeouts.linger();
    else this.handler?.onRequestReadDone();
  }

  onTurnSpent(): void {
    const { clock } = this.ports;
    clock.schedule(clock.now(), readOn, this as Http1ClientConnection);
  }

  /** For the timer of `onTurnSpent` alone: other connections have had their turn. */
  readOn(): void {
    if (this.phase === 'requests') this.#readHeldGuarded();
  }

  #watchBody(): void {
    if (!this.reader.awaitsBody || this.tunnel) return;
    if (!this.writer.begun) return this.timeouts.awaitAtRate('body');
    // Client and application talk to each other: neither owes a rate, and a stream may rest. `timeouts.idle` ends one whose response rests, too.
    this.timeouts.await(this.request.framing.kind === 'length' ? 'body' : 'nothing');
  }

  readBody(): void {
    const { body, head } = this.reader;
    if (!this.reader.readBody()) return;
    const nothingCame = !this.reader.holds && body.bytesReceived === 0;
    if (head.head?.expectContinue === true && nothingCame) this.writer.continue();
    this.#watchBody();
    this.#readHeld();
  }

  pauseBody(): void {
    this.timeouts.await('nothing');
    this.reader.pause();
  }

  resumeBody(): void {
    if (!this.reader.resume()) return;
    this.#watchBody();
    this.#readHeld();
  }

  #readHeld(): void {
    if (this.reader.readHeld()) this.#endIfClientDid();
  }

  /** The held bytes may be another request than the one whose end led here, so a defect is caught here. */
  #readHeldGuarded(): void {
    try {
      this.#readHeld();
    } catch (error) {
      this.onDefect(error);
    }
  }

  /** Ends the connection of a client that has sent FIN, once all its bytes are read. */
  #endIfClientDid(): void {
    if (!this.clientEnded || this.reader.holds) return;
    if (this.phase === 'requests') this.linger();
    else if (this.reader.awaitsBody) this.endTruncated();
  }

  // The response.

  sendInterimResponse(status: number, headers: MessageHeaders, drop: HeaderFilter): void {
    if (this.request.version !== 'HTTP/1.0') this.writer.inform(status, headers, drop);
  }

  respond(response: OutgoingResponse): void {
    // The rest of the body would be read as the next request.
    if (!this.reader.ended && !(this.persistent && this.reader.skipBody())) this.persistent = false;
    this.persistent = this.writer.head(response, this.request, this.persistent);
    if (!this.reader.ended) this.#watchBody();
    else if (!this.persistent) this.reader.discardRest();
  }

  get switchStatus(): number {
    return 101;
  }

  switchTo(protocol: string, response: OutgoingResponse): void {
    this.tunnel = true;
    this.ports.counts.tunnelsActive++;
    this.persistent = false;
    this.writer.switchTo(protocol, response);
    if (this.reader.ended) this.reader.beginTunnel();
    else this.tunnelWaits = true;
    this.timeouts.beginTunnel();
    this.#readHeld();
  }

  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.phase === 'closed') return true;
    const taken = this.writer.body(bytes, start, end, ownership);
    if (!taken) this.timeouts.watchWrite();
    // An earlier flush may still be pending: small parts must not pile up behind it.
    return taken && this.transport.pendingBytes === 0;
  }

  endBody(trailers: MessageHeaders | null): void {
    if (this.phase === 'closed') return;
    if (this.writer.end(trailers)) this.#sent();
    else this.timeouts.watchWrite();
  }

  flush(): void {
    if (this.phase === 'closed' || this.writer.ended) return;
    if (!this.writer.flush()) this.timeouts.watchWrite();
  }

  onWritten(): void {
    this.timeouts.endWriteWatch();
    if (this.phase !== 'exchange') return;
    try {
      if (this.writer.ended) this.#sent();
      else this.handler?.onClientRoom();
    } catch (error) {
      this.onDefect(error);
    }
  }

  abort(): void {
    if (this.phase === 'closed') return;
    this.endExchange();
    // Where the connection's end is the end of the body, a FIN would complete it: only a reset truncates.
    if (this.writer.endsWithConnection) return this.close('reset');
    try {
      this.writer.flush();
      this.linger();
    } catch {
      this.close('reset'); // The exchange has ended and cannot do it.
    }
  }

  #sent(): void {
    if (this.tunnel) return this.#endpointHasEnded();
    const handler = this.handler;
    this.endExchange();
    this.timeouts.endWriteWatch();
    try {
      handler?.onResponseSent();
    } catch {
      return this.close('reset'); // Caught here, because the caller may be reading another exchange's request.
    }
    if (this.phase === 'closed') return;
    if (!this.persistent) return this.linger(this.asksClose && this.#hasAll ? 'close' : undefined);
    this.phase = 'requests';
    this.timeouts.await('next-request');
    this.reader.next();
    if (this.reader.holds) this.#readHeldGuarded();
    else if (!this.reader.isReading) this.#endIfClientDid(); // A running loop may find the next request.
  }

  /** The last byte of the endpoint has been sent; the client may still send. */
  #endpointHasEnded(): void {
    this.timeouts.endWriteWatch();
    this.transport.end();
    this.handler?.onResponseSent();
    this.endTunnelIfWhole();
  }

  /** No byte has come behind the request. */
  get #hasAll(): boolean {
    return !this.reader.holds && !this.reader.hasDiscarded && !this.reader.isReading;
  }
}

function readOn(connection: Http1ClientConnection): void {
  connection.readOn();
}

function headLimits(listener: ListenerSettings): HeadLimits {
  const { headBytesMax, headersMax, targetBytesMax } = listener.limits;
  return { headBytesMax, headersMax, targetBytesMax, methodBytesMax };
}
