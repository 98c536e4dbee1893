import { Deadline, type Deadlines } from '../core/deadline.ts';
import type { ReusePolicy, PendingStream, StreamWaiter } from '../core/stream.ts';
import { after, type Instant } from '../core/time.ts';
import type { DialLimits } from './dial.ts';

/** A request that waits for a connection. It stays its attempt's pending stream when it has left the queue. */
export class QueueWaiter extends Deadline implements PendingStream {
  readonly waiter: StreamWaiter;
  readonly limits: DialLimits;
  readonly reusePolicy: ReusePolicy;
  readonly waitingSince: Instant;
  /** The dial for it, when it has left the queue. */
  dial: PendingStream | null = null;
  readonly #queue: ConnectionQueue;

  constructor(
    queue: ConnectionQueue,
    waiter: StreamWaiter,
    limits: DialLimits,
    reusePolicy: ReusePolicy,
    since: Instant,
  ) {
    super();
    this.#queue = queue;
    this.waiter = waiter;
    this.limits = limits;
    this.reusePolicy = reusePolicy;
    this.waitingSince = since;
  }

  cancel(): void {
    if (this.#queue.remove(this)) this.#queue.onRemoved();
    else this.dial?.cancel();
  }

  override onExpired(): void {
    if (this.#queue.remove(this)) this.#queue.onTimeout(this);
  }
}

/** The assumed interval between two waiters that leave a queue, until it has been measured. */
const firstIntervalMs = 1000;
/** The weight of the latest interval in the moving average. */
const latestPart = 0.2;
/** The longest Retry-After: an endpoint that answers nothing for longer has other problems than its queue. */
const longestS = 60;

/** The requests of one worker that wait for a connection to one endpoint, in the order in which they came. */
export class ConnectionQueue {
  /** A waiter has left the queue without a connection. */
  readonly onRemoved: () => void;
  readonly onTimeout: (queued: QueueWaiter) => void;
  readonly #deadlines: Deadlines;
  #members: QueueWaiter[] = [];
  #intervalMs = firstIntervalMs;
  #movedAt: Instant | null = null;

  constructor(deadlines: Deadlines, onRemoved: () => void, onTimeout: (queued: QueueWaiter) => void) {
    this.#deadlines = deadlines;
    this.onRemoved = onRemoved;
    this.onTimeout = onTimeout;
  }

  get length(): number {
    return this.#members.length;
  }

  get first(): QueueWaiter | null {
    return this.#members[0] ?? null;
  }

  join(waiter: StreamWaiter, limits: DialLimits, reusePolicy: ReusePolicy, now: Instant, limitMs: number): QueueWaiter {
    const queued = new QueueWaiter(this, waiter, limits, reusePolicy, now);
    queued.at = after(now, limitMs);
    if (this.#members.length === 0) this.#movedAt = now;
    this.#members.push(queued);
    this.#deadlines.add(queued);
    return queued;
  }

  /** The first waiter gets a connection. */
  shift(now: Instant): void {
    const first = this.#members.shift();
    if (first === undefined) return;
    this.#deadlines.remove(first);
    this.#intervalMs += latestPart * (this.#sinceMoved(now) - this.#intervalMs);
    this.#movedAt = now;
  }

  /** Returns whether it was still in the queue. */
  remove(queued: QueueWaiter): boolean {
    const index = this.#members.indexOf(queued);
    if (index < 0) return false;
    this.#members.splice(index, 1);
    this.#deadlines.remove(queued);
    return true;
  }

  /** How long the queue takes at its present speed, in whole seconds from 1: for Retry-After. */
  retryAfterS(now: Instant, isStuck: boolean): number {
    const eachMs = isStuck ? Math.max(this.#intervalMs, this.#sinceMoved(now)) : this.#intervalMs;
    return Math.min(longestS, Math.max(1, Math.ceil((eachMs * (this.#members.length + 1)) / 1000)));
  }

  #sinceMoved(now: Instant): number {
    return this.#movedAt === null ? 0 : now - this.#movedAt;
  }
}
