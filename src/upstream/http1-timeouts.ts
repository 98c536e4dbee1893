import { fail, type Failure } from '#failures/failure.ts';
import { headTimeout, stalledBody } from './connection-failure.ts';
import type { AttemptLimits } from '../core/stream.ts';
import { after, type Clock, type Instant, never } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { BodyReader } from '../wire/body-reader.ts';
import type { ResponseHeadParser } from '../wire/response-head.ts';

/** What the timeouts of a stream look at. The deadline is the connection's: it carries one request at a time. */
interface TimedStream {
  readonly deadline: { at: Instant };
  readonly address: string;
  readonly transport: Transport;
  readonly parser: ResponseHeadParser;
  readonly body: BodyReader;
}

/** The limits of time of one request on an HTTP/1.1 connection. Lives as long as its connection; `begin` starts anew. */
export class Http1Timeouts {
  readonly #stream: TimedStream;
  readonly #clock: Clock;
  #limits: AttemptLimits = { responseHeadMs: 0, idleMs: 0 };
  #headDueAt: Instant = never;
  #sentAt: Instant = never;
  #lastByteAt: Instant;
  /** Bytes that the system had taken when `noteSent` last looked. */
  #takenBefore = 0;
  /** Bytes that waited to be written when the deadline was last set. */
  #pendingBefore = 0;
  /** Since when the endpoint of a tunnel has taken none of the bytes that wait for it. */
  #stuckSince: Instant = never;

  constructor(stream: TimedStream, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
    this.#lastByteAt = clock.now();
  }

  get lastByteAt(): Instant {
    return this.#lastByteAt;
  }

  begin(limits: AttemptLimits): void {
    this.#limits = limits;
    this.#headDueAt = never;
    this.#stream.deadline.at = never;
  }

  /** The request is sent: the response head is due from now on. */
  requestSent(): void {
    this.#sentAt = this.#clock.now();
    this.#headDueAt = after(this.#sentAt, this.#limits.responseHeadMs);
  }

  /** When the request was sent. Call only after `requestSent`. */
  get sentAt(): Instant {
    return this.#sentAt;
  }

  byteReceived(): void {
    this.#lastByteAt = this.#clock.now();
  }

  watchHead(): void {
    const { deadline, transport, parser } = this.#stream;
    const { idleMs } = this.#limits;
    if (transport.pendingBytes > 0) {
      this.#pendingBefore = transport.pendingBytes;
      deadline.at = after(this.#clock.now(), idleMs);
    } else if (parser.began) deadline.at = Math.min(this.#headDueAt, after(this.#lastByteAt, idleMs)) as Instant;
    else deadline.at = this.#headDueAt;
  }

  /** The response's body is due from now on. */
  beginBody(): void {
    this.#takenBefore = takenBytes(this.#stream.transport);
  }

  /** Whether bytes of the request have left since the last call: then neither side is silent. */
  noteSent(): boolean {
    const taken = takenBytes(this.#stream.transport);
    if (taken === this.#takenBefore) return false;
    this.#takenBefore = taken;
    this.#lastByteAt = this.#clock.now();
    return true;
  }

  watchBody(isPaused: boolean): void {
    this.#stream.deadline.at = isPaused ? never : after(this.#lastByteAt, this.#limits.idleMs);
  }

  /**
   * The exchange decides how long a tunnel may be idle. Bytes that wait for an endpoint that takes none have the idle time of a
   * message: their client may be gone.
   */
  watchTunnel(): void {
    const { pendingBytes } = this.#stream.transport;
    if (pendingBytes === 0) this.#stuckSince = never;
    else if (this.#stuckSince === never || pendingBytes < this.#pendingBefore) this.#stuckSince = this.#clock.now();
    this.#pendingBefore = pendingBytes;
    this.#stream.deadline.at = this.#stuckSince === never ? never : after(this.#stuckSince, this.#limits.idleMs);
  }

  /** Whether the endpoint has taken bytes since the deadline was set, if slowly: no reason to give the attempt up. */
  get isTakingBytes(): boolean {
    const { pendingBytes } = this.#stream.transport;
    return pendingBytes > 0 && pendingBytes < this.#pendingBefore;
  }

  bodyFailure(awaitsClient: boolean): Failure {
    const { address, body } = this.#stream;
    const { idleMs } = this.#limits;
    return stalledBody({ address, idleMs, bytesReceived: body.bytesReceived }, awaitsClient);
  }

  /** The endpoint takes no bytes of the tunnel. */
  tunnelFailure(): Failure {
    const { address, body } = this.#stream;
    return fail('tunnel_idle', 'body', { address, idleMs: this.#limits.idleMs, bytesReceived: body.bytesReceived });
  }

  headFailure(now: Instant, bytesSent: number, interims: number): Failure {
    const { address, parser, transport } = this.#stream;
    const { idleMs, responseHeadMs: limitMs } = this.#limits;
    if (transport.pendingBytes > 0)
      return fail('request_write_timeout', 'send', { address, limitMs: idleMs, bytesSent });
    if (parser.began && now < this.#headDueAt) {
      return fail('response_head_stalled', 'response', { address, idleMs, bytesReceived: parser.bytesHeld });
    }
    if (!parser.began) return headTimeout({ address, limitMs }, interims);
    return fail('response_head_unfinished', 'response', { address, limitMs, bytesReceived: parser.bytesHeld });
  }
}

function takenBytes({ sentBytes, pendingBytes }: Transport): number {
  return sentBytes - pendingBytes;
}
