import type { SessionChange, User } from '../core/exchange.ts';
import {
  type MessageHeaders,
  type Framing,
  chunkedBody,
  hasNoBody,
  type OutgoingResponse,
  type Ownership,
  type ResponseHead,
} from '../core/message.ts';
import type { DownstreamStream } from '../core/stream.ts';
import { interimDrop, ownResponseHeaders } from './forward.ts';
import type { Attempt } from './attempt.ts';
import type { BodyPath } from './body-path.ts';
import type { FilterRun } from './filter-run.ts';
import type { ExchangePorts, ServingRevision } from './ports.ts';
import { framingOf, learnsLength, RequestBuffer, waitsForBody } from './request-buffer.ts';
import { type BufferedClient, mayBuffer, ResponseBuffer } from './response-buffer.ts';
import { isRepeatable } from './retry.ts';
import { headersWithout, trailersWithout } from './retained-response.ts';
import { ExchangeState } from './state.ts';

/**
 * Passes the bodies of an exchange on: from the client through the filters to the attempt, and back. A receiver without room
 * makes its sender pause. Nothing is decided here. The bytes of a tunnel pass through it in the same way.
 *
 *     onRequestContent ─▶ (filters, tunnel) ─▶ sendToEndpoint        sendToClient ◀─ (filters, tunnel) ◀─ forwardToClient
 */
export abstract class BodyFlow extends ExchangeState implements BufferedClient {
  protected readonly ports: ExchangePorts;
  protected readonly downstream: DownstreamStream;
  /** The attempt that is running, if one is. */
  protected attempt: Attempt | null = null;
  /** Null where the route has no filters, and in a tunnel. */
  filters: FilterRun | null = null;
  /** Of the response that is being forwarded; null before, and in a tunnel. */
  protected forwardedHead: ResponseHead | null = null;
  /** Null until the client has no room for a response. */
  protected responseBuffer: ResponseBuffer | null = null;
  /** The socket read that delivered the head of the request is still being processed; `onRequestReadDone` follows. */
  protected isReadingRequestHead = true;

  constructor(downstream: DownstreamStream, serving: ServingRevision, ports: ExchangePorts) {
    super(downstream, serving, ports.ids);
    this.downstream = downstream;
    this.ports = ports;
  }

  elapsedMs(): number {
    return this.ports.clock.now() - this.startedAt;
  }

  /** One direction of a tunnel has ended. */
  abstract onDirectionEnded(): void;

  /** Null where bytes are passed on as they are. Not private: V8 adds a field to each object of a class with private methods. */
  protected get bodyPath(): BodyPath | null {
    return this.tunnel ?? this.filters?.bodies ?? null;
  }

  // The request's body.

  onRequestBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    this.bytesFromClient += end - start;
    const path = this.bodyPath;
    const hasRoom =
      path === null
        ? this.sendToEndpoint(bytes, start, end, ownership)
        : path.pushRequest(bytes, start, end, ownership);
    if (!hasRoom) this.downstream.pauseBody();
  }

  sendToEndpoint(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const buffer = this.requestBuffer;
    if (buffer?.isSent === false) {
      if (buffer.add(bytes, start, end, this.#isChanged ? chunkedBody : this.request.framing)) return true;
      this.onRequestBuffered();
      return buffer.isSent;
    }
    return this.attempt?.sendBody(bytes, start, end, ownership) ?? true;
  }

  /** Whether the body, or its beginning, comes before the request gets a connection. */
  protected mustReceiveBody(): boolean {
    const { request, downstream } = this;
    if (hasNoBody(request.framing)) return false;
    // A body that may be sent a second time is kept, even if nothing has to be waited for; so is one whose length a filter changes.
    if (downstream.bodyAtHand && !isRepeatable(this) && !this.#isChanged) return false;
    const isWanted =
      waitsForBody(request, this.requireRoute().buffer) || (downstream.restAtHand === true && learnsLength(request));
    // Where no endpoint is ready, the client is not asked for a body.
    return isWanted && this.requireUpstream().hasOther([]);
  }

  get #isChanged(): boolean {
    return this.filters?.bodies.changesRequest === true;
  }

  /** Reads the body into a buffer; `onRequestBuffered` follows. */
  protected receiveBody(): void {
    const buffer = this.#beginBuffer();
    const { requestWaitMs } = this.requireRoute().buffer;
    const waitsLong = waitsForBody(this.request, this.requireRoute().buffer);
    if (waitsLong && this.request.framing.kind !== 'length') buffer.limitWait(this, this.ports.clock, requestWaitMs);
    this.downstream.readBody();
    buffer.endsWithRead = !waitsLong; // Only now: HTTP/2 reports the end of a read within the call, too.
  }

  /** Reads what has come already of a body of unknown length: if that is all of it, the endpoint is told its length. May end the exchange. */
  protected readWhatHasCome(): void {
    if (this.bodyReadBegun || !learnsLength(this.request)) return;
    this.#beginBuffer();
    this.downstream.readBody();
  }

  /** How the body is framed towards the endpoint: by its length where all of it is here. */
  protected get framingToEndpoint(): Framing {
    const { requestBuffer, unsentBody, request } = this;
    if (request.framing.kind !== 'chunked' && !this.#isChanged) return request.framing;
    if (requestBuffer !== null) return requestBuffer.framing;
    return unsentBody !== null && this.requestComplete ? framingOf(unsentBody.length) : chunkedBody;
  }

  /** The request has its body, or enough of it, or does not wait for it any more. */
  protected noteReceived(): void {
    const buffer = this.requestBuffer;
    if (buffer === null) return;
    const waitedMs = this.ports.clock.now() - buffer.beganAt;
    if (waitedMs >= 1) this.bodyMs = waitedMs;
    buffer.stopWait();
  }

  /** The body is there and the connection is not: it is read meanwhile, so that the gateway notices if the client leaves. */
  protected readAtHand(): void {
    if (this.bodyReadBegun || !this.downstream.bodyAtHand) return;
    if (!waitsForBody(this.request, this.requireRoute().buffer)) return;
    this.#beginBuffer();
    this.downstream.readBody();
  }

  /** Begins to read the body into a buffer, from which it is sent when an attempt has a stream. */
  #beginBuffer(): RequestBuffer {
    const { clock, buffers } = this.ports;
    const buffer = new RequestBuffer(this.requireRoute().buffer, buffers, clock.now());
    this.requestBuffer = buffer;
    this.bodyReadBegun = true;
    return buffer;
  }

  /** The body that an endpoint is to get, or enough of it, has come. */
  abstract onRequestBuffered(): void;

  /** Sends the part of the body that has come, and that no earlier attempt has sent. The rest of the body follows. */
  protected sendUnsent(attempt: Attempt): void {
    const hasRoom =
      this.requestBuffer === null ? this.#sendReclaimed(attempt) : this.#sendBuffer(this.requestBuffer, attempt);
    attempt.flush();
    if (this.requestComplete) return;
    if (hasRoom) this.onAttemptRoom(attempt);
    else this.downstream.pauseBody();
  }

  #sendReclaimed(attempt: Attempt): boolean {
    const bytes = this.unsentBody ?? noBytes;
    this.unsentBody = null;
    const hasRoom = bytes.length === 0 || attempt.sendBody(bytes, 0, bytes.length, 'owned');
    if (this.requestComplete) attempt.endBody(null);
    return hasRoom;
  }

  #sendBuffer(buffer: RequestBuffer, attempt: Attempt): boolean {
    const hasRoom = buffer.sendTo(attempt);
    if (!buffer.isWhole) this.dropRequestBuffer(); // It cannot be sent a second time.
    return hasRoom;
  }

  protected dropRequestBuffer(): void {
    this.requestBuffer?.close();
    this.requestBuffer = null;
  }

  onRequestEnd(trailers: MessageHeaders | null): void {
    const path = this.bodyPath;
    if (path === null) this.endToEndpoint(trailers);
    else path.endRequest(trailers);
  }

  /** All of the body that has come counts, also where a request ends before the gateway reads it. */
  protected countReceivedBody(): void {
    if (this.endKind === 'forwarded') return;
    this.bytesFromClient = Math.max(this.bytesFromClient, this.downstream.bodyReceived ?? 0);
  }

  endToEndpoint(received: MessageHeaders | null): void {
    const trailers = received === null ? null : this.#requestTrailers(received);
    this.requestComplete = true;
    if (this.requestBuffer?.isSent === false) {
      this.requestBuffer.complete(trailers);
      this.onRequestBuffered();
    } else this.attempt?.endBody(trailers);
  }

  /** What no client may send in a head, such as who it is, comes no other way: programs may put trailers among the headers. */
  #requestTrailers(received: MessageHeaders): MessageHeaders | null {
    const { matchedRoute: route, client } = this;
    if (route === null) return received;
    return trailersWithout(received, client.trusted ? route.request.dropOfTrusted : route.request.drop);
  }

  onRequestReadDone(): void {
    this.isReadingRequestHead = false;
    if (this.requestBuffer?.endsWithRead === true) this.onRequestBuffered();
    this.flushToEndpoint();
  }

  flushToEndpoint(): void {
    this.attempt?.flush();
  }

  onAttemptRoom(_: Attempt): void {
    const path = this.bodyPath;
    if (path === null) this.resumeClient();
    else path.onEndpointRoom();
  }

  resumeClient(): void {
    this.downstream.resumeBody();
  }

  // The response.

  /** From now on bodies pass between this attempt and the client. */
  useAttempt(attempt: Attempt): void {
    this.attempt = attempt;
    this.release = attempt.release;
  }

  onAttemptInterimResponse(_: Attempt, response: ResponseHead): void {
    const drop = interimDrop(this.requireRoute().response.drop);
    this.downstream.sendInterimResponse(response.status, response.headers, drop);
  }

  /** The client gets a page of the route in place of the endpoint's body. */
  get pageReplaced(): boolean {
    return this.filters?.pageReplaced === true;
  }

  /** For the record. */
  get user(): User | null {
    return this.filters?.user ?? this.tunnel?.user ?? null;
  }

  get session(): SessionChange | null {
    return this.filters?.session ?? this.tunnel?.session ?? null;
  }

  /** The head after all filters have seen it. Null if a filter has failed: then the exchange has already answered. */
  protected headAfterFilters(head: OutgoingResponse): OutgoingResponse | null {
    return this.filters === null ? head : this.filters.editResponse(head);
  }

  /** The head of a response that changes the protocol; null as above. */
  protected switchHeadAfterFilters(head: OutgoingResponse): OutgoingResponse | null {
    return this.filters === null ? head : this.filters.editSwitch(head);
  }

  /** Sends bytes of the response to the client, through the transforms of the filters. */
  forwardToClient(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    if (this.statusReceived >= 500) this.ports.errorBodies?.add(this, bytes, start, end);
    const path = this.bodyPath;
    const hasRoom =
      path === null ? this.sendToClient(bytes, start, end, ownership) : path.pushResponse(bytes, start, end, ownership);
    if (!hasRoom) this.attempt?.pauseBody();
  }

  sendToClient(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.downstream.isLost === true) return false; // Nothing more is read for it.
    if (this.responseBuffer?.isWaiting === true) return this.responseBuffer.add(bytes, start, end);
    return this.passToClient(bytes, start, end, ownership) || this.#readsOn();
  }

  passToClient(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.downstream.isLost === true) return false;
    this.bytesToClient += end - start;
    return this.downstream.sendBody(bytes, start, end, ownership);
  }

  /** The client has no room. Whether the endpoint is read on all the same, into the buffer. */
  #readsOn(): boolean {
    const { attempt, forwardedHead } = this;
    if (attempt === null || forwardedHead === null) return false; // Nothing more comes, or it is a tunnel.
    const { responseBytesMax } = this.requireRoute().buffer;
    const passedBytes = this.filters === null ? this.bytesToClient : 0; // Filters may change the length.
    if (this.responseBuffer === null && mayBuffer(forwardedHead, passedBytes, responseBytesMax))
      this.responseBuffer = new ResponseBuffer(this, responseBytesMax, this.ports.buffers);
    if (this.responseBuffer?.tryWait() !== true) return false;
    attempt.keepBody();
    return true;
  }

  flushToClient(): void {
    this.downstream.flush();
  }

  protected endResponse(trailers: MessageHeaders | null): void {
    if (this.filters === null) this.endToClient(trailers);
    else this.filters.bodies.endResponse(trailers);
  }

  endToClient(trailers: MessageHeaders | null): void {
    this.responseBuffer?.passAll();
    // A name that the route removes is removed there too.
    const { drop } = this.requireRoute().response;
    this.downstream.endBody(
      trailers === null || drop === ownResponseHeaders ? trailers : headersWithout(trailers, drop),
    );
  }

  onClientRoom(): void {
    if (this.responseBuffer !== null && !this.#passOn(this.responseBuffer)) return;
    const path = this.bodyPath;
    if (path === null) this.resumeEndpoint();
    else path.onClientRoom();
  }

  #passOn(buffer: ResponseBuffer): boolean {
    const passed = buffer.onClientRoom();
    this.downstream.flush();
    return passed;
  }

  resumeEndpoint(): void {
    this.attempt?.resumeBody();
  }

  /** From now on no byte passes the filters. */
  protected closeFilters(): void {
    this.filters?.close();
  }
}

const noBytes = new Uint8Array(0);
