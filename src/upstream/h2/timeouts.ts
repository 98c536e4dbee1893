import { Deadline, type Deadlines } from '../../core/deadline.ts';
import type { AttemptLimits } from '../../core/stream.ts';
import { after, type Clock, type Instant, never } from '../../core/time.ts';

export interface TimedEndpointStream {
  /** Bytes of the request that wait for the endpoint's windows, for its connection, or for the system. */
  readonly isWaitingToSend: boolean;
  /** Grows with each byte of the request that leaves. */
  readonly sentMark: number;
  /** Nothing has come for most of a limit: the endpoint is asked whether it is there. */
  onSilence(): void;
  /** The endpoint takes no bytes of the request. */
  onWriteOverdue(limitMs: number): void;
  onHeadOverdue(limitMs: number): void;
  onBodyOverdue(idleMs: number): void;
}

/** So long before a limit is reached the endpoint is asked whether it is there, or after half of a shorter limit. */
const pingLeadMs = 5000;

/** The limits of time of one request on an HTTP/2 connection, as `http1-timeouts.ts` has them for HTTP/1.1. */
export class Http2EndpointTimeouts extends Deadline {
  lastByteAt: Instant;
  readonly #stream: TimedEndpointStream;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #limits: AttemptLimits;
  #awaits: 'write' | 'head' | 'body' = 'write';
  #markBefore = -1;
  #sentAt: Instant = never;
  /** When the limit is reached, once the endpoint has been asked; `never` before. */
  #dueAt: Instant = never;

  constructor(stream: TimedEndpointStream, limits: AttemptLimits, clock: Clock, deadlines: Deadlines) {
    super();
    this.#stream = stream;
    this.#limits = limits;
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.lastByteAt = clock.now();
    this.at = after(this.lastByteAt, limits.idleMs);
    deadlines.add(this);
  }

  /** A part of the request waits from now on. */
  awaitWrite(): void {
    if (this.#awaits === 'head') return;
    this.#markBefore = this.#stream.sentMark;
    if (this.#awaits === 'write') this.at = after(this.#clock.now(), this.#limits.idleMs);
  }

  /** The request is sent: the response head is due from now on. */
  awaitHead(): void {
    if (this.#awaits !== 'write') return;
    this.#awaits = 'head';
    this.#sentAt = this.#clock.now();
    this.#arm(this.#sentAt, this.#limits.responseHeadMs);
  }

  /** When the request was sent, while its response has not begun; else null. */
  get awaitedSince(): Instant | null {
    return this.#awaits === 'head' ? this.#sentAt : null;
  }

  /** A part of the response has come, or is to come. */
  awaitBody(): void {
    this.#awaits = 'body';
    this.lastByteAt = this.#clock.now();
    this.#arm(this.lastByteAt, this.#limits.idleMs);
  }

  /** A part of the request has left: while the response is due, neither side is silent. */
  noteSent(): void {
    if (this.#awaits === 'body' && this.at !== never) this.awaitBody();
  }

  #arm(now: Instant, limitMs: number): void {
    this.#dueAt = never;
    this.at = after(now, limitMs - leadOf(limitMs));
  }

  /** The gateway itself reads nothing. */
  pause(): void {
    if (this.#awaits === 'body') this.at = never;
  }

  stop(): void {
    this.#deadlines.remove(this);
  }

  override onExpired(now: Instant): void {
    const { idleMs, responseHeadMs } = this.#limits;
    if (this.#awaits === 'body' && this.#isTakingBytes()) return this.awaitBody();
    if (this.#awaits !== 'write' && this.#dueAt === never) {
      this.#dueAt = after(now, leadOf(this.#awaits === 'head' ? responseHeadMs : idleMs));
      this.at = this.#dueAt;
      return this.#stream.onSilence();
    }
    if (this.#awaits === 'body') return this.#stream.onBodyOverdue(idleMs);
    if (this.#awaits === 'head') return this.#stream.onHeadOverdue(responseHeadMs);
    const isStuck = this.#stream.isWaitingToSend && !this.#isTakingBytes();
    this.#markBefore = this.#stream.sentMark;
    if (isStuck) this.#stream.onWriteOverdue(idleMs);
    else this.at = after(now, idleMs);
  }

  /** Whether the endpoint takes what waits, if slowly, since it was last looked at. */
  #isTakingBytes(): boolean {
    const { isWaitingToSend, sentMark } = this.#stream;
    const isTaking = isWaitingToSend && sentMark !== this.#markBefore;
    this.#markBefore = sentMark;
    return isTaking;
  }
}

function leadOf(limitMs: number): number {
  return Math.min(pingLeadMs, limitMs / 2);
}
