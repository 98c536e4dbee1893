import { fail, type Failure } from '#failures/failure.ts';
import type { MessageHeaders, Framing, OutgoingRequest, Ownership, ResponseHead } from '../core/message.ts';
import type { AttemptLimits, UpstreamHandler, UpstreamStream } from '../core/stream.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { capabilities, MemoryLane, poisoned, windowBytesDefault } from './memory-lane.ts';
import { type HeaderPairs, PairHeaders, pairsWritten } from '../core/pair-headers.ts';

/** Reads of so many bytes are lent as those that sockets read in bulk. */
const bulkBytesMin = 8 * 1024;

export interface EndpointStreamOptions {
  readonly clock: Clock;
  readonly address: string;
  readonly reused: boolean;
  readonly idleMs: number;
  readonly windowBytes?: number;
  /** Called at the endpoint when the head of a request has come. */
  readonly onRequest: (stream: MemoryEndpointStream) => void;
  /** Called when the stream has ended, successfully or not. */
  readonly onOver: (stream: MemoryEndpointStream) => void;
}

/** A request to an endpoint in memory: `UpstreamStream` for the exchange, and the methods of the endpoint. */
export class MemoryEndpointStream implements UpstreamStream {
  readonly capabilities = capabilities;
  readonly address: string;
  readonly localPort = 0;
  readonly reused: boolean;
  readonly idleMs: number;
  requestBegun = false;
  requestSent = false;
  readonly unsentBody = null;
  answerBegun = false;
  interims = 0;

  // Received by the endpoint.
  request: {
    readonly method: string;
    readonly target: string;
    readonly authority: string;
    readonly headers: MessageHeaders;
  } | null = null;
  readonly body: Uint8Array[] = [];
  requestWhole = false;
  requestTrailers: MessageHeaders | null = null;
  /** The gateway has aborted the request. */
  cancelled = false;

  readonly #options: EndpointStreamOptions;
  readonly #clock: Clock;
  readonly #up: MemoryLane;
  readonly #down: MemoryLane;
  #handler: UpstreamHandler | null = null;
  #limits: AttemptLimits = { responseHeadMs: 0, idleMs: 0 };
  #head: ResponseHead | null = null;
  #received = 0;
  #paused = false;
  #roomWanted = false;
  #timer: Timer | null = null;
  #notified = false;
  #switched = false;
  /** The endpoint has ended its direction of the tunnel. */
  #answered = false;
  /** The bytes of the last large read, which the next one overwrites as sockets do; null: they are kept. */
  #bulk: Buffer | null = null;
  #isDelivering = false;

  constructor(options: EndpointStreamOptions) {
    const { clock, address, reused, idleMs, windowBytes = windowBytesDefault } = options;
    this.#options = options;
    this.#clock = clock;
    this.address = address;
    this.reused = reused;
    this.idleMs = idleMs;
    this.#up = new MemoryLane(clock, windowBytes, () => this.#taken());
    this.#down = new MemoryLane(clock, windowBytes, () => this.#deliver());
  }

  // Called by the exchange.

  send(request: OutgoingRequest, handler: UpstreamHandler, limits: AttemptLimits): void {
    this.#handler = handler;
    this.#limits = limits;
    const { method, target, authority } = request;
    this.request = { method, target, authority, headers: pairsWritten((sink) => request.writeHeaders(sink)) };
  }

  sendBody(bytes: Uint8Array, start: number, end: number): boolean {
    this.#up.push(bytes, start, end);
    if (this.#up.unsentBytes === 0) return true;
    this.#roomWanted = true;
    this.#watch();
    return false;
  }

  endBody(trailers: MessageHeaders | null): void {
    this.#up.finish(trailers);
  }

  flush(): void {
    if (this.#handler === null) return;
    this.requestBegun = true;
    this.#up.flush();
    this.#up.wake();
    this.#noteSent();
  }

  #noteSent(): void {
    if (this.#switched) return;
    if (this.requestSent || !this.#up.ended || this.#up.unsentBytes > 0) return;
    this.requestSent = true;
    this.#watch();
  }

  #taken(): void {
    if (!this.#notified) {
      this.#notified = true;
      this.#options.onRequest(this);
    }
    for (let bytes = this.#up.take(); bytes !== null; bytes = this.#up.take()) this.body.push(bytes);
    if (this.#head !== null) this.#watch();
    this.#noteSent();
    if (this.#up.queuedBytes > 0) return;
    if (this.#up.ended) {
      this.requestWhole = true;
      this.requestTrailers = this.#up.trailers;
      if (this.#switched && this.#answered) return this.#over();
    }
    if (!this.#roomWanted) return;
    this.#roomWanted = false;
    this.#watch();
    this.#handler?.onEndpointRoom();
  }

  pauseBody(): void {
    this.#paused = true;
    this.#timer?.cancel();
  }

  resumeBody(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#watch();
    this.#down.wake();
  }

  keepBody(): void {
    if (this.#isDelivering) this.#bulk = null;
  }

  cancel(): void {
    this.cancelled = true;
    this.#over();
  }

  // Called by the endpoint.

  inform(status: number, headers: HeaderPairs): void {
    this.#clock.schedule(this.#clock.now(), call, () => {
      this.interims++;
      this.#handler?.onInterimResponse(headOf(status, headers, { kind: 'none' }));
      this.#handler?.onResponseReadDone();
    });
  }

  respond(status: number, headers: HeaderPairs, framing: Framing): void {
    const head = headOf(status, headers, framing);
    this.#clock.schedule(this.#clock.now(), call, () => {
      const handler = this.#handler;
      if (handler === null) return;
      this.#head = head;
      this.answerBegun = true;
      this.#watch();
      handler.onResponse(head);
      handler.onResponseReadDone();
      this.#down.wake();
    });
  }

  /** The stream becomes a tunnel that speaks `protocol`. */
  switchTo(protocol: string, headers: HeaderPairs): void {
    const head = headOf(101, headers, { kind: 'until-close' });
    this.#clock.schedule(this.#clock.now(), call, () => {
      const handler = this.#handler;
      if (handler === null) return;
      this.#head = head;
      this.#switched = true;
      this.answerBegun = true;
      this.#up.reopen();
      this.requestWhole = false;
      this.#watch();
      handler.onSwitched(protocol, head);
      handler.onResponseReadDone();
      this.#down.wake();
    });
  }

  write(bytes: Uint8Array): void {
    this.#down.push(bytes, 0, bytes.length);
    this.#down.flush();
  }

  end(trailers: MessageHeaders | null = null): void {
    this.#down.end(trailers);
  }

  /** RST_STREAM: ends this attempt, and leaves the other streams open. */
  reset(): void {
    this.#clock.schedule(this.#clock.now(), call, () => this.#failWith(this.#breakOff()));
  }

  stopReading(): void {
    this.#up.hold(true);
  }

  readOn(): void {
    this.#up.hold(false);
  }

  /** Bytes that the gateway holds for this stream. */
  get heldBytes(): number {
    return this.#up.queuedBytes + this.#down.grantedBytes;
  }

  #deliver(): void {
    if (this.#handler === null || this.#head === null || this.#paused) return;
    const bytes = this.#down.take();
    this.#bulk?.fill(0xdb);
    this.#bulk = null;
    if (bytes === null) this.#read(this.#handler);
    else if (bytes.length >= bulkBytesMin) this.#readInBulk(bytes);
    // Bytes of a response are lent until `onResponseRead` has returned.
    else poisoned(bytes, (lent, start, end) => this.#read(this.#handler, lent, start, end));
  }

  /** Owned bytes stay as they are until their reader lets this stream go on, or, if it has called `keepBody` within the read, for ever. */
  #readInBulk(bytes: Uint8Array): void {
    const lent = Buffer.from(bytes);
    this.#bulk = lent;
    this.#isDelivering = true;
    this.#read(this.#handler, lent, 0, lent.length, 'owned');
    this.#isDelivering = false;
  }

  #read(
    handler: UpstreamHandler | null,
    bytes: Uint8Array = nothing,
    start = 0,
    end = 0,
    ownership: Ownership = 'borrowed',
  ): void {
    if (handler === null || this.#head === null) return;
    this.#received += end - start;
    if (end > start) handler.onResponseBody(bytes, start, end, ownership);
    if (this.#handler === null) return;
    if (this.#down.ended && this.#down.queuedBytes === 0) {
      const { framing } = this.#head;
      if (framing.kind === 'length' && framing.bytes !== this.#received) return this.#failWith(this.#breakOff());
      if (this.#answered) return;
      this.#answered = true;
      if (!this.#switched || this.requestWhole) this.#over();
      handler.onResponseEnd(this.#down.trailers);
    } else {
      this.#watch();
      if (this.#down.grantedBytes > 0 && !this.#paused) this.#down.wake();
    }
    handler.onResponseReadDone();
  }

  #breakOff(): Failure {
    const { address, reused, idleMs } = this;
    if (this.#head === null)
      return fail('reset_before_response', 'response', { address, reused, idleMs, errno: 'ECONNRESET' });
    const { framing } = this.#head;
    const bytesReceived = this.#received;
    if (framing.kind !== 'length')
      return fail('response_body_reset', 'body', { address, bytesReceived, errno: 'ECONNRESET' });
    return fail('response_body_short', 'body', {
      address,
      bytesReceived,
      bytesExpected: framing.bytes,
      how: 'reset',
    });
  }

  #watch(): void {
    this.#timer?.cancel();
    if (this.#handler === null || this.#paused) return;
    const { idleMs, responseHeadMs } = this.#limits;
    const pending = this.#up.unsentBytes > 0;
    if (this.#switched && !pending) return; // The exchange decides how long a tunnel may be idle.
    if (this.#head === null && !pending && !this.requestSent) return;
    const limitMs = this.#head !== null || pending ? idleMs : responseHeadMs;
    this.#timer = this.#clock.schedule(after(this.#clock.now(), limitMs), call, () => this.#failWith(this.#slow()));
  }

  #slow(): Failure {
    const { address } = this;
    const { idleMs, responseHeadMs } = this.#limits;
    if (this.#head !== null)
      return fail('response_body_stalled', 'body', { address, idleMs, bytesReceived: this.#received });
    if (this.#up.unsentBytes === 0)
      return fail('response_head_timeout', 'response', {
        ...{ address, limitMs: responseHeadMs },
        ...(this.interims === 0 ? {} : { interims: this.interims }),
      });
    return fail('request_write_timeout', 'send', { address, limitMs: idleMs, bytesSent: this.#up.grantedBytes });
  }

  #failWith(failure: Failure): void {
    const handler = this.#handler;
    this.cancelled = true;
    this.#over();
    handler?.onAttemptFailed(failure);
  }

  #over(): void {
    if (this.#handler === null) return;
    this.#handler = null;
    this.#timer?.cancel();
    this.#up.close();
    this.#down.close();
    this.#options.onOver(this);
  }
}

const nothing = new Uint8Array(0);

function headOf(status: number, headers: HeaderPairs, framing: Framing): ResponseHead {
  const contentLength = framing.kind === 'length' ? framing.bytes : -1;
  return { status, reason: '', version: 'HTTP/2', headers: new PairHeaders(headers), framing, contentLength };
}

function call(what: () => void): void {
  what();
}
