import type { Timeouts } from '../core/configuration.ts';
import type { EndpointState, InstanceExit } from '../core/endpoint.ts';
import type { AttemptFacts, RetryReason } from '../core/exchange.ts';
import type { Failure } from '../core/failure.ts';
import type { Fields, OutgoingRequest, Ownership, ResponseHead } from '../core/message.ts';
import type { Delivery } from '../core/shape.ts';
import type { PendingStream, ReusePolicy, StreamWaiter, UpstreamHandler, UpstreamStream } from '../core/stream.ts';
import { inVainFor } from '../policy/retry.ts';
import type { Endpoint } from './ports.ts';

/**
 * What an attempt reports, and to whom. Every call names its attempt, so one owner may have several at the same time: a
 * retry after another, two that race each other, or one whose response is dropped.
 */
export interface AttemptOwner {
  /** Milliseconds since the exchange began. */
  elapsedMs(): number;
  /** The attempt has a stream; the owner sends the request. */
  onAttemptStream(attempt: Attempt): void;
  /** An interim response (1xx). */
  onAttemptInterimResponse(attempt: Attempt, response: ResponseHead): void;
  /** The endpoint has changed to `protocol`. `onAttemptEnded` then ends one direction only. */
  onAttemptSwitched(attempt: Attempt, protocol: string, response: ResponseHead): void;
  onAttemptResponse(attempt: Attempt, response: ResponseHead): void;
  onAttemptBody(attempt: Attempt, bytes: Uint8Array, start: number, end: number, ownership: Ownership): void;
  /** The response is complete. */
  onAttemptEnded(attempt: Attempt, trailers: Fields | null): void;
  /** One read of the response has been processed. */
  onAttemptReadDone(attempt: Attempt): void;
  /** The endpoint has taken all bytes of the request that were pending. */
  onAttemptRoom(attempt: Attempt): void;
  /**
   * The attempt ended without a complete response. `unsentBody` is the request body as far as it was given to the attempt, where
   * no byte of the request has left; null where it cannot be sent again.
   */
  onAttemptFailed(attempt: Attempt, failure: Failure, unsentBody: Uint8Array | null): void;
  /** Our own code failed after the attempt had ended, while it passed on what the attempt had received. */
  onFaultAfterAttemptEnd(attempt: Attempt, failure: Failure): void;
}

/**
 * One attempt at one endpoint: it waits for a stream, handles what the stream receives, and keeps what the record says of it.
 * Times are milliseconds since the exchange began.
 *
 *     waiting ──onStream──▶ sending ──onResponse──▶ receiving ──▶ over        any ──fail, give up──▶ over
 */
export class Attempt implements AttemptFacts, StreamWaiter, UpstreamHandler {
  readonly chosenEndpoint: Endpoint;
  readonly endpoint: string;
  /** Of the endpoint; once connected, that of the connection, which may be of the second address family. */
  address: string;
  readonly endpointState: EndpointState;
  readonly addressStale: boolean;
  readonly startedMs: number;
  reused = false;
  idleMs = -1;
  localPort = 0;
  /** The ALPN name of what is spoken with the endpoint; '' before it is connected. */
  protocol = '';
  queuedMs = -1;
  dnsMs = -1;
  connectedMs = -1;
  tlsMs = -1;
  sentMs = -1;
  headMs = -1;
  endedMs = -1;
  status = 0;
  failure: Failure | null = null;
  exit: InstanceExit | null = null;
  retry = false;
  retryReason: RetryReason = 'accepted';
  delivery: Delivery = 'not_sent';
  readonly #owner: AttemptOwner;
  #pending: PendingStream | null = null;
  #stream: UpstreamStream | null = null;

  constructor(target: Endpoint, owner: AttemptOwner) {
    this.chosenEndpoint = target;
    this.endpoint = target.id;
    this.address = target.address;
    this.endpointState = target.state;
    this.addressStale = target.addressStale === true;
    this.startedMs = owner.elapsedMs();
    this.#owner = owner;
  }

  /** It has ended, whichever way, and uses no stream any more. */
  get isOver(): boolean {
    return this.endedMs >= 0 && this.#stream === null;
  }

  // What the owner asks for.

  /** Asks the endpoint for a stream. The owner may be called before this returns. */
  begin(limits: Timeouts, reusePolicy: ReusePolicy): void {
    const pending = this.chosenEndpoint.acquire(this, limits, reusePolicy);
    if (this.#stream === null && !this.isOver) this.#pending = pending;
  }

  send(request: OutgoingRequest, limits: Timeouts): void {
    this.#stream?.send(request, this, limits);
  }

  /** False: the endpoint takes no more for now; `onAttemptRoom` follows. */
  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    return this.#stream?.sendContent(bytes, start, end, ownership) ?? true;
  }

  endBody(trailers: Fields | null): void {
    this.#stream?.endContent(trailers);
  }

  flush(): void {
    this.#stream?.flush();
    this.recordSentTime();
  }

  /** Notes when the last byte of the request was handed to the system. */
  recordSentTime(): void {
    if (this.sentMs === -1 && this.#stream?.requestSent === true) this.sentMs = this.#owner.elapsedMs();
  }

  pauseBody(): void {
    this.#stream?.pauseContent();
  }

  resumeBody(): void {
    this.#stream?.resumeContent();
  }

  /** Ends it for a reason that is not its own; null: another attempt's response is used. Nothing is reported any more. */
  giveUp(failure: Failure | null): void {
    const pending = this.#pending;
    const stream = this.#stream;
    this.#end(failure);
    if (failure !== null) this.retryReason = inVainFor(failure) ?? 'fails_anywhere';
    pending?.cancel();
    stream?.cancel();
  }

  // What the endpoint and its stream report.

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
    this.#answered(response);
    this.#owner.onAttemptSwitched(this, protocol, response);
  }

  onResponse(response: ResponseHead): void {
    this.#answered(response);
    this.#owner.onAttemptResponse(this, response);
  }

  #answered(response: ResponseHead): void {
    this.status = response.status;
    this.headMs = this.#owner.elapsedMs();
    this.delivery = 'response_started';
  }

  onResponseContent(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    this.#owner.onAttemptBody(this, bytes, start, end, ownership);
  }

  onResponseEnd(trailers: Fields | null): void {
    if (this.status !== switchingProtocols) this.ended();
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
    const unsentBody = this.#stream?.unsentContent ?? null;
    this.#end(failure);
    this.#owner.onAttemptFailed(this, failure, unsentBody);
  }

  // How it ended.

  /** The response is complete: the attempt succeeded, whatever happens to the client. */
  ended(): void {
    this.endedMs = this.#owner.elapsedMs();
    this.#stream = null;
  }

  /** The endpoint has ended its half of a tunnel without closing it in order; the client may still send. */
  noteBrokenTunnel(failure: Failure): void {
    this.failure = failure;
    this.endedMs = this.#owner.elapsedMs();
  }

  /** The connection broke after all had been done. */
  succeeded(): void {
    this.failure = null;
    this.retryReason = 'accepted';
  }

  #end(failure: Failure | null): void {
    this.failure = failure;
    this.endedMs = this.#owner.elapsedMs();
    this.delivery = deliveryOf(this.#stream);
    this.#pending = null;
    this.#stream = null;
  }
}

const switchingProtocols = 101;

/** How far the request had come when its attempt ended. */
function deliveryOf(stream: UpstreamStream | null): Delivery {
  if (stream === null || !stream.requestBegun) return 'not_sent';
  if (stream.answerBegun) return 'response_started';
  return stream.requestSent ? 'sent_unknown' : 'partial';
}

const order: readonly Delivery[] = ['not_sent', 'refused_by_peer', 'partial', 'sent_unknown', 'response_started'];

/** Of all attempts, the one that came furthest tells whether the request may have been executed. */
export function furthest(a: Delivery, b: Delivery): Delivery {
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}
