import { assert } from '../core/assert.ts';
import type { ClientFacts } from '../core/exchange.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { HeaderFilter } from '../core/header-names.ts';
import type { MessageHeaders, Framing, OutgoingResponse, RequestHead } from '../core/message.ts';
import type { DownstreamHandler, DownstreamStream } from '../core/stream.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { capabilities, MemoryLane, poisoned, windowBytesDefault } from './memory-lane.ts';
import { type HeaderPairs, PairHeaders, pairsWritten } from '../core/pair-headers.ts';

export interface MemoryRequest {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: HeaderPairs;
  readonly framing: Framing;
  /** Protocols that the request asks to upgrade to: the stream may become a tunnel. */
  readonly upgrade?: string;
  readonly takesTrailers?: boolean;
}

interface ClientStreamOptions {
  readonly clock: Clock;
  readonly client: ClientFacts;
  /** Time limit between bytes of the request body (408). */
  readonly bodyMs: number;
  readonly windowBytes?: number;
}

/** A request of a client in memory: `DownstreamStream` for the exchange, and the methods of the client. */
export class MemoryClientStream implements DownstreamStream {
  readonly capabilities = capabilities;
  readonly bodyAtHand = false;
  readonly request: RequestHead;
  readonly client: ClientFacts;
  readonly startedAt: Instant;
  readonly startedWall: number;

  // Received by the client.
  readonly informed: { readonly status: number; readonly headers: MessageHeaders }[] = [];
  response: { readonly status: number; readonly headers: MessageHeaders; readonly framing: Framing } | null = null;
  readonly body: Uint8Array[] = [];
  trailers: MessageHeaders | null = null;
  state: 'open' | 'whole' | 'cut' = 'open';
  /** Whether the exchange has asked for the request body. */
  wanted = false;
  bodyReceived = 0;

  readonly #clock: Clock;
  readonly #bodyMs: number;
  readonly #up: MemoryLane;
  readonly #down: MemoryLane;
  #handler: DownstreamHandler | null = null;
  #paused = false;
  #requestEnded: boolean;
  #received = 0;
  #sent = 0;
  #headWaits: OutgoingResponse | null = null;
  #roomWanted = false;
  #sentAll = false;
  #stallTimer: Timer | null = null;
  /** The protocol that the stream has been upgraded to. */
  switchedTo: string | null = null;

  constructor(request: MemoryRequest, options: ClientStreamOptions) {
    const { clock, client, bodyMs, windowBytes = windowBytesDefault } = options;
    this.#clock = clock;
    this.#bodyMs = bodyMs;
    this.client = client;
    this.startedAt = clock.now();
    this.startedWall = clock.wallTime();
    const headers = new PairHeaders(request.headers);
    const { upgrade = null, takesTrailers = false } = request;
    this.request = { ...request, upgrade, takesTrailers, scheme: client.peerScheme, version: 'HTTP/2', headers };
    this.#requestEnded = request.framing.kind === 'none';
    this.#up = new MemoryLane(clock, windowBytes, () => this.#deliverBody());
    this.#down = new MemoryLane(clock, windowBytes, () => this.#arrived());
  }

  /** The request's head has come. */
  begin(handler: DownstreamHandler, failure: Failure | null = null): void {
    this.#handler = handler;
    handler.onRequest(failure);
    this.#handler?.onRequestReadDone();
  }

  // Called by the client.

  write(bytes: Uint8Array): void {
    this.bodyReceived += bytes.length;
    this.#up.push(bytes, 0, bytes.length);
    this.#up.flush();
  }

  end(trailers: MessageHeaders | null = null): void {
    this.#up.end(trailers);
  }

  stopReading(): void {
    this.#down.hold(true);
  }

  readOn(): void {
    this.#down.hold(false);
  }

  leave(): void {
    this.#clock.schedule(this.#clock.now(), left, this);
  }

  /** Called by `left`. */
  onLeft(): void {
    const handler = this.#over('cut');
    handler?.onRequestFailed(
      fail('client_gone', this.response === null ? 'request' : 'flush', { bytesSent: this.#sent, how: 'reset' }),
    );
  }

  /** Bytes that the gateway's side holds, in both directions. */
  get heldBytes(): number {
    return this.#up.grantedBytes + this.#down.queuedBytes;
  }

  // Called by the exchange.

  readBody(): void {
    if (this.wanted || this.#requestEnded) return;
    this.wanted = true;
    this.#watchBody();
    this.#up.wake();
  }

  pauseBody(): void {
    this.#paused = true;
    this.#stallTimer?.cancel();
  }

  resumeBody(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#watchBody();
    this.#up.wake();
  }

  #deliverBody(): void {
    const handler = this.#handler;
    if (handler === null || !this.wanted || this.#requestEnded || this.#paused) return;
    const bytes = this.#up.take();
    if (bytes !== null) {
      this.#received += bytes.length;
      poisoned(bytes, (lent, start, end) => handler.onRequestBody(lent, start, end, 'borrowed'));
    }
    if (this.#up.ended && this.#up.queuedBytes === 0) {
      this.#requestEnded = true;
      this.#handler?.onRequestEnd(this.#up.trailers);
      this.#overIfBothEnded();
    }
    this.#watchBody();
    this.#handler?.onRequestReadDone();
    if (!this.#paused && this.#up.grantedBytes > 0) this.#up.wake();
  }

  #watchBody(): void {
    this.#stallTimer?.cancel();
    if (this.switchedTo !== null) return;
    if (this.#requestEnded || this.#paused || this.#handler === null) return;
    if (this.response !== null && this.request.framing.kind !== 'length') return;
    this.#stallTimer = this.#clock.schedule(after(this.#clock.now(), this.#bodyMs), stalled, this);
  }

  /** Called by `stalled`. */
  onStalled(): void {
    this.#requestEnded = true;
    this.#handler?.onRequestFailed(
      fail('request_body_timeout', 'request', { idleMs: this.#bodyMs, bytesReceived: this.#received }),
    );
  }

  sendInterimResponse(status: number, headers: MessageHeaders, drop: HeaderFilter): void {
    if (status === 100 && this.wanted && this.request.headers.has('expect')) return;
    this.informed.push({ status, headers: pairsWritten((sink) => headers.writeTo(sink, drop)) });
  }

  respond(response: OutgoingResponse): void {
    assert(this.response === null, 'a client is sent one response');
    assert(this.state === 'open', 'nothing follows an end');
    const { status, framing } = response;
    this.response = { status, framing, headers: pairsWritten((sink) => response.writeHeaders(sink)) };
    this.#headWaits = response;
    if (this.wanted) this.#watchBody();
  }

  readonly switchStatus = 101;

  /** As in RFC 8441: a response like any other, and then the bytes of the protocol in both directions. */
  switchTo(protocol: string, response: OutgoingResponse): void {
    this.respond(response);
    this.switchedTo = protocol;
    this.#requestEnded = false;
    this.wanted = true;
    this.#up.wake();
  }

  sendBody(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.state !== 'open' || this.request.method === 'HEAD') return true;
    assert(this.#headWaits !== null, 'content follows a head');
    this.#sent += end - start;
    this.#down.push(bytes, start, end);
    if (this.#down.unsentBytes === 0) return true;
    this.#roomWanted = true;
    return false;
  }

  endBody(trailers: MessageHeaders | null): void {
    if (this.state !== 'open') return;
    this.#down.end(trailers);
  }

  flush(): void {
    this.#down.flush();
  }

  abort(): void {
    this.#over('cut');
  }

  #arrived(): void {
    for (let bytes = this.#down.take(); bytes !== null; bytes = this.#down.take()) this.body.push(bytes);
    if (this.#handler === null || this.#down.queuedBytes > 0) return;
    if (this.#down.ended && this.switchedTo !== null) this.#sentWhole();
    else if (this.#down.ended) {
      this.trailers = this.#down.trailers;
      this.#over('whole')?.onResponseSent();
    } else if (this.#roomWanted) {
      this.#roomWanted = false;
      this.#handler.onClientRoom();
    }
  }

  /** The endpoint's direction of a tunnel has ended. */
  #sentWhole(): void {
    if (this.#sentAll) return;
    this.#sentAll = true;
    this.#handler?.onResponseSent();
    this.#overIfBothEnded();
  }

  #overIfBothEnded(): void {
    if (this.switchedTo !== null && this.#sentAll && this.#requestEnded) this.#over('whole');
  }

  #over(state: 'whole' | 'cut'): DownstreamHandler | null {
    const handler = this.#handler;
    this.#handler = null;
    if (this.state === 'open') this.state = state;
    this.#stallTimer?.cancel();
    this.#up.close();
    this.#down.close();
    return handler;
  }
}

function left(stream: MemoryClientStream): void {
  stream.onLeft();
}

function stalled(stream: MemoryClientStream): void {
  stream.onStalled();
}
