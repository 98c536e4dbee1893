import { isOtherContent, isUnasked, jsonKindOf, takenCoding, targetCell } from '../core/content-flaw.ts';
import { jsonKind, noContentKind } from '../core/content-kind.ts';
import type { Timeouts } from '../core/route-spec.ts';
import type { EndpointState } from '../core/endpoint.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import type { AwaitingRequest } from '../core/awaited-responses.ts';
import type { AttemptFacts, ClientFacts, RetryReason } from '../core/exchange.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type {
  Capabilities,
  MessageHeaders,
  OutgoingRequest,
  Ownership,
  RequestHead,
  ResponseHead,
} from '../core/message.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import type { Delivery } from '#failures/shape.ts';
import type { PendingStream, ReusePolicy, StreamWaiter, UpstreamHandler, UpstreamStream } from '../core/stream.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { inVainFor } from '../policy/retry.ts';
import { hasBoundCredentials, isBoundChallenge } from './connection-authentication.ts';
import type { Endpoint } from './ports.ts';

/**
 * Receives the reports of an attempt. Every call has the attempt as an argument, because one owner may have several attempts at
 * the same time: a retry and the attempt before it, two attempts that race, or an attempt whose response is dropped.
 */
export interface AttemptOwner {
  readonly client: ClientFacts;
  readonly route: string;
  readonly request: Pick<RequestHead, 'method' | 'target' | 'authority' | 'upgrade' | 'headers'>;
  readonly clientCapabilities: Capabilities;
  /** Milliseconds since the exchange began. */
  elapsedMs(): number;
  /** The attempt has a stream: the owner must send the request now. */
  onAttemptStream(attempt: Attempt): void;
  /** The endpoint has sent an interim response (1xx). */
  onAttemptInterimResponse(attempt: Attempt, response: ResponseHead): void;
  /** The endpoint has changed to `protocol`. `onAttemptEnded` then ends one direction only. */
  onAttemptSwitched(attempt: Attempt, protocol: string, response: ResponseHead): void;
  onAttemptResponse(attempt: Attempt, response: ResponseHead): void;
  onAttemptBody(attempt: Attempt, bytes: Uint8Array, start: number, end: number, ownership: Ownership): void;
  /** The response is complete. */
  onAttemptEnded(attempt: Attempt, trailers: MessageHeaders | null): void;
  /** All bytes of one socket read have been processed. */
  onAttemptReadDone(attempt: Attempt): void;
  /** The endpoint has taken all bytes of the request that were pending. */
  onAttemptRoom(attempt: Attempt): void;
  /**
   * The attempt ended without a complete response. If no byte of the request was sent, `unsentContent` is the part of the body
   * that the attempt had received: a retry can send it. Otherwise it is null.
   */
  onAttemptFailed(attempt: Attempt, failure: Failure, unsentBody: Uint8Array | null): void;
  /** Code of the gateway threw after the attempt had ended, while it passed on what the attempt had received. */
  onFaultAfterAttemptEnd(attempt: Attempt, failure: Failure): void;
}

/**
 * One attempt to get a response from one endpoint. It waits for a stream, handles what the stream receives, and keeps the facts
 * that the record contains about the attempt.
 * Times are milliseconds since the exchange began.
 *
 *     waiting ──onStream──▶ sending ──onResponse──▶ receiving ──▶ over        any ──fail, give up──▶ over
 */
export class Attempt implements AttemptFacts, StreamWaiter, UpstreamHandler {
  readonly chosenEndpoint: Endpoint;
  readonly endpoint: string;
  /** The address of the endpoint; once connected, the address of the connection, which may be of the second address family. */
  address: string;
  readonly endpointState: EndpointState;
  readonly addressStale: boolean;
  readonly release: EndpointRelease | null;
  readonly startedMs: number;
  reused = false;
  idleMs = -1;
  localPort = 0;
  /** The ALPN name of the protocol on the connection; '' before it is connected. */
  protocol = '';
  queuedMs = -1;
  dnsMs = -1;
  connectedMs = -1;
  tlsMs = -1;
  sentMs = -1;
  headMs = -1;
  endedMs = -1;
  status = 0;
  contentKind = noContentKind;
  isEncoded = false;
  isUnreadable = false;
  isUnasked = false;
  lastByte = 0;
  redirectCell = 0;
  surplusBytes = 0;
  errorText = '';
  bytesToEndpoint = 0;
  bytesFromEndpoint = 0;
  retryAfter: string | null = null;
  failure: Failure | null = null;
  exit: InstanceExit | null = null;
  retry = false;
  retryReason: RetryReason = 'accepted';
  noneReady: Failure | null = null;
  delivery: Delivery = 'not_sent';
  #owner: AttemptOwner;
  /** Of the response, where its client takes it; '': none. */
  #coding = '';
  #timeLimit: Timer | null = null;
  #pending: PendingStream | null = null;
  #stream: UpstreamStream | null = null;

  constructor(target: Endpoint, owner: AttemptOwner) {
    this.chosenEndpoint = target;
    this.endpoint = target.id;
    this.address = target.address;
    this.endpointState = target.state;
    this.addressStale = target.addressStale === true;
    this.release = target.runs;
    this.startedMs = owner.elapsedMs();
    this.#owner = owner;
  }

  get client(): ClientFacts {
    return this.#owner.client;
  }

  get awaiting(): AwaitingRequest {
    return this.#owner;
  }

  get needsHttp1(): boolean {
    return this.#owner.request.upgrade !== null;
  }

  get needsPrivate(): boolean {
    return hasBoundCredentials(this.#owner.request.headers);
  }

  /** Whether the attempt has ended, successfully or not, and no longer uses a stream. */
  get isOver(): boolean {
    return this.endedMs >= 0 && this.#stream === null;
  }

  // Called by the owner.

  /** Asks the endpoint for a stream. `onAttemptStream` or `onAttemptFailed` may be called before this method returns. */
  begin(limits: Timeouts, reusePolicy: ReusePolicy): void {
    const pending = this.chosenEndpoint.acquire(this, limits, reusePolicy);
    if (this.#stream === null && !this.isOver) this.#pending = pending;
  }

  /** From now on `owner` gets the reports. */
  handTo(owner: AttemptOwner): void {
    this.#owner = owner;
  }

  send(request: OutgoingRequest, limits: Timeouts): void {
    this.#stream?.send(request, this, limits);
  }

  /** The attempt fails if the head of its response has not come in `limitMs`. */
  limitTime(clock: Clock, limitMs: number): void {
    if (this.#stream === null || this.headMs >= 0) return;
    this.#timeLimit = clock.schedule(
      after(clock.now(), limitMs),
      (attempt) => attempt.#timeOut(limitMs),
      this as Attempt,
    );
  }

  #timeOut(limitMs: number): void {
    const stream = this.#stream;
    const interims = stream?.interims ?? 0;
    const begun = stream?.answerBegun === true ? { headBegun: true as const } : {};
    const evidence = { address: this.address, limitMs, ...(interims === 0 ? {} : { interims }), ...begun };
    this.onAttemptFailed(fail('attempt_timeout', 'response', evidence));
    stream?.cancel();
  }

  /** Takes the bytes in any case. Returns false if the owner must wait for `onAttemptRoom` before it sends more. */
  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#stream === null) return true;
    this.bytesToEndpoint += end - start;
    return this.#stream.sendBody(bytes, start, end, ownership);
  }

  endBody(trailers: MessageHeaders | null): void {
    this.#stream?.endBody(trailers);
  }

  flush(): void {
    this.#stream?.flush();
    this.recordSentTime();
  }

  /** Records the present time as `sentMs` if all bytes of the request have been handed to the system. */
  recordSentTime(): void {
    if (this.sentMs === -1 && this.#stream?.requestSent === true) this.sentMs = this.#owner.elapsedMs();
  }

  pauseBody(): void {
    this.#stream?.pauseBody();
  }

  /** The bytes of the body given so far are kept while more are read. */
  keepBody(): void {
    this.#stream?.keepBody();
  }

  resumeBody(): void {
    this.#stream?.resumeBody();
  }

  /**
   * Cancels the attempt. `failure` is the failure of the exchange, which this attempt has not caused; null if the response of
   * another attempt is used. The attempt reports nothing after this call.
   */
  giveUp(failure: Failure | null): void {
    const pending = this.#pending;
    const stream = this.#stream;
    this.#end(failure);
    if (failure !== null) this.retryReason = inVainFor(failure) ?? 'fails_anywhere';
    pending?.cancel();
    stream?.cancel();
  }

  // Called by the endpoint and the stream.

  onStageDone(stage: 'queue' | 'dns' | 'connect' | 'tls'): void {
    const atMs = this.#owner.elapsedMs();
    if (stage === 'queue') this.queuedMs = atMs;
    else if (stage === 'dns') this.dnsMs = atMs;
    else if (stage === 'connect') this.connectedMs = atMs;
    else this.tlsMs = atMs;
  }

  onStream(stream: UpstreamStream): void {
    this.address = stream.address;
    this.#pending = null;
    this.#stream = stream;
    this.reused = stream.reused;
    this.idleMs = stream.reused ? stream.idleMs : -1;
    this.localPort = stream.localPort;
    this.protocol = stream.capabilities.protocol;
    this.#owner.onAttemptStream(this);
  }

  onNoStream(failure: Failure): void {
    this.onAttemptFailed(failure);
  }

  onInterimResponse(response: ResponseHead): void {
    this.#owner.onAttemptInterimResponse(this, response);
  }

  onSwitched(protocol: string, response: ResponseHead): void {
    this.#noteResponse(response);
    this.#owner.onAttemptSwitched(this, protocol, response);
  }

  onResponse(response: ResponseHead): void {
    this.#noteResponse(response);
    this.#owner.onAttemptResponse(this, response);
  }

  #noteResponse(response: ResponseHead): void {
    this.status = response.status;
    this.contentKind = response.headers.contentKind();
    this.isEncoded = response.headers.has('content-encoding');
    if (this.isEncoded) this.#noteCoding(response);
    if (needsCondition(response.status)) this.isUnasked = isUnasked(response.status, this.#owner.request.headers);
    if (isRedirect(response.status))
      this.redirectCell = targetCell(response.headers.get('location'), response.status, this.#owner.request);
    this.#timeLimit?.cancel();
    if (response.status === tooManyRequests) this.retryAfter = response.headers.get('retry-after');
    this.headMs = this.#owner.elapsedMs();
    this.chosenEndpoint.noteLatency?.(this.headMs - this.startedMs, false);
    if (response.status >= 500) this.chosenEndpoint.noteFailure?.();
    this.delivery = 'response_started';
    // The next steps of the login come on the client's connection, and need the one to the endpoint.
    if (response.status === unauthorized && !this.#owner.clientCapabilities.multiplexed && isBoundChallenge(response))
      this.#stream?.reserveFor?.(this.client, this.needsPrivate);
  }

  #noteCoding(response: ResponseHead): void {
    const coding = takenCoding(this.#owner.request.headers, response.headers);
    this.isUnreadable = coding === null;
    this.#coding = coding ?? 'not taken';
  }

  onResponseBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    if (this.bytesFromEndpoint === 0 && end > start) this.#noteBeginning(bytes, start, end);
    if (end > start) this.lastByte = bytes[end - 1] as number;
    this.bytesFromEndpoint += end - start;
    this.#owner.onAttemptBody(this, bytes, start, end, ownership);
  }

  #noteBeginning(bytes: Uint8Array, start: number, end: number): void {
    if (isOtherContent(this.contentKind, this.#coding, bytes, start, end)) this.isUnreadable = true;
    if (this.contentKind === jsonKind) this.contentKind = jsonKindOf(bytes, start, end);
  }

  onSurplus(bytes: number): void {
    this.surplusBytes = bytes;
  }

  onErrorText(text: string): void {
    this.errorText = text;
  }

  onResponseEnd(trailers: MessageHeaders | null): void {
    if (this.status !== switchingProtocols) this.markEnded();
    this.#owner.onAttemptEnded(this, trailers);
  }

  onResponseReadDone(): void {
    if (this.#stream !== null) this.#owner.onAttemptReadDone(this);
  }

  onEndpointRoom(): void {
    this.recordSentTime();
    this.#owner.onAttemptRoom(this);
  }

  onAttemptFailed(failure: Failure): void {
    if (this.isOver) return this.#owner.onFaultAfterAttemptEnd(this, failure);
    const unsentBody = this.#stream?.unsentBody ?? null;
    this.#end(failure);
    this.chosenEndpoint.noteLatency?.(this.endedMs - this.startedMs, true);
    this.#owner.onAttemptFailed(this, failure, unsentBody);
  }

  // The end of the attempt.

  /** The response is complete: the attempt has succeeded, even if the client does not get the whole response. */
  markEnded(): void {
    this.endedMs = this.#owner.elapsedMs();
    this.#stream = null;
  }

  /** The endpoint has ended its direction of a tunnel with `failure`, without a close frame. The client may still send. */
  noteBrokenTunnel(failure: Failure): void {
    this.failure = failure;
    this.endedMs = this.#owner.elapsedMs();
  }

  /** Takes a failure back: the connection of a tunnel failed, but only after the tunnel had been closed properly. */
  succeeded(): void {
    this.failure = null;
    this.retryReason = 'accepted';
  }

  /** Another attempt was to follow, and no endpoint became ready for it: why not. */
  noteNoneFollowed(noneReady: Failure): void {
    this.retry = false;
    this.retryReason = 'nowhere_else';
    this.noneReady = noneReady;
  }

  #end(failure: Failure | null): void {
    this.#timeLimit?.cancel();
    this.failure = failure;
    this.endedMs = this.#owner.elapsedMs();
    this.delivery = deliveryOf(this.#stream, failure);
    if (this.delivery === 'not_sent') this.bytesToEndpoint = 0; // They were given to a connection that sent none of them.
    if (this.status === 0) this.status = this.#stream?.statusInHead ?? 0;
    this.#pending = null;
    this.#stream = null;
  }
}

const needsCondition = (status: number): boolean => status === 304 || status === 206;
const isRedirect = (status: number): boolean => status >= 300 && status < 400 && status !== 304;

const unauthorized = 401;
const tooManyRequests = 429;
export const switchingProtocols = 101;

/** How much of the request had been sent, and whether a response had begun, when the attempt ended. */
function deliveryOf(stream: UpstreamStream | null, failure: Failure | null): Delivery {
  if (stream === null || !stream.requestBegun) return 'not_sent';
  if (failure?.cause === 'stream_refused') return 'refused_by_peer';
  if (stream.answerBegun) return 'response_started';
  return stream.requestSent ? 'sent_unknown' : 'partial';
}

const order: readonly Delivery[] = ['not_sent', 'refused_by_peer', 'partial', 'sent_unknown', 'response_started'];

/** The further of two deliveries. Of all attempts, the furthest delivery decides whether the request may have been executed. */
export function furthest(a: Delivery, b: Delivery): Delivery {
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}
