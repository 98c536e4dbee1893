import {
  chunkedBody,
  type MessageHeaders,
  type Framing,
  hasNoBody,
  noBody,
  type RequestHead,
} from '../core/message.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { BufferSpec } from '../core/route-spec.ts';
import type { Attempt } from './attempt.ts';
import type { BufferAllowance } from './buffer-allowance.ts';
import { BufferedBytes } from './buffered-bytes.ts';
import { isStream } from '../wire/is-stream.ts';

interface RequestBufferOwner {
  /** The body, or enough of it, has come. */
  onRequestBuffered(): void;
}

/**
 * The body of a request, or its beginning, which comes before the request gets a connection to an endpoint.
 *
 *     receiving ──complete, full, or waited long enough──▶ ready ──sendTo──▶ sent
 *
 * A body that is here whole can be sent again by a retry, and its length is known.
 */
export class RequestBuffer {
  isSent = false;
  /** Nothing is waited for but the rest of the read that brought the head. */
  endsWithRead = false;
  /** Since when the gateway waits for the body. */
  readonly beganAt: Instant;
  readonly #bytesMax: number;
  readonly #bytes: BufferedBytes;
  #timer: Timer | null = null;
  #isComplete = false;
  #trailers: MessageHeaders | null = null;

  constructor({ requestBytesMax }: BufferSpec, allowance: BufferAllowance, beganAt: Instant) {
    this.beganAt = beganAt;
    this.#bytesMax = requestBytesMax === 0 ? atHandBytesMax : requestBytesMax;
    this.#bytes = new BufferedBytes(allowance, 'request');
  }

  /** Waits for the body for so long at most. */
  limitWait(owner: RequestBufferOwner, clock: Clock, waitMs: number): void {
    this.#timer = clock.schedule(after(clock.now(), waitMs), waitedLongEnough, owner);
  }

  /** The whole body is here. */
  get isWhole(): boolean {
    return this.#isComplete;
  }

  /**
   * How the body is framed towards the endpoint: by its length if it is whole, because many applications (WSGI, CGI, PHP) read no other.
   * Trailers need the chunked coding (RFC 9112 §7.1.2); a body that is empty has no framing.
   */
  get framing(): Framing {
    if (!this.#isComplete || this.#trailers !== null) return chunkedBody;
    return framingOf(this.#bytes.length);
  }

  /** Adds a part of the body. False: it is enough, or the allowance of the worker is used up. */
  add(bytes: Uint8Array, start: number, end: number, framing: Framing): boolean {
    const isCounted = this.#bytes.tryAdd(bytes, start, end);
    if (!isCounted) this.#bytes.addUncounted(bytes, start, end);
    const isLast = framing.kind === 'length' && framing.bytes === this.#bytes.length;
    return isLast || (isCounted && this.#bytes.length < this.#bytesMax);
  }

  complete(trailers: MessageHeaders | null): void {
    this.#isComplete = true;
    this.#trailers = trailers;
    this.stopWait();
  }

  /** Sends what is here, and the end of the body if it has come. False: the endpoint has no room for more. */
  sendTo(attempt: Attempt): boolean {
    this.isSent = true;
    let hasRoom = true;
    for (const bytes of this.#bytes.all()) hasRoom = attempt.sendBody(bytes, 0, bytes.length, 'owned');
    if (this.#isComplete) attempt.endBody(this.#trailers);
    return hasRoom;
  }

  stopWait(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  close(): void {
    this.stopWait();
    this.#bytes.release();
  }
}

function waitedLongEnough(owner: RequestBufferOwner): void {
  owner.onRequestBuffered();
}

/** How much of a body that nothing waits for is kept to learn its length: as much as one read brings. */
const atHandBytesMax = 64 * 1024;

export function framingOf(bytes: number): Framing {
  return bytes === 0 ? noBody : { kind: 'length', bytes };
}

/** Whether the length of a body is learnt where it has come whole: streams go on as they come. */
export function learnsLength({ framing, upgrade, headers }: RequestHead): boolean {
  return framing.kind === 'chunked' && upgrade === null && !isStream(headers);
}

/**
 * Whether a request waits for its body before it gets a connection: not one without a body, nor a stream. Where an upgrade is asked for,
 * the chunks of a body may be one.
 */
export function waitsForBody(request: RequestHead, { requestBytesMax, requestWaitMs }: BufferSpec): boolean {
  const { framing, upgrade, headers } = request;
  if (hasNoBody(framing) || requestBytesMax === 0) return false;
  return framing.kind === 'length' || (upgrade === null && requestWaitMs > 0 && !isStream(headers));
}
