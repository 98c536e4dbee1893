import { Deadline, type Deadlines } from '../core/deadline.ts';
import type { ReusePolicy, PendingStream, StreamWaiter } from '../core/stream.ts';
import { after, type Instant } from '../core/time.ts';
import type { DialLimits } from './dial.ts';

/** An exchange that waits for a place. It is a pending stream in the line, and afterwards where it has got one. */
export class QueueWaiter extends Deadline implements PendingStream {
  readonly waiter: StreamWaiter;
  readonly limits: DialLimits;
  readonly reusePolicy: ReusePolicy;
  readonly since: Instant;
  /** Its connection on the way, when it has left the line. */
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
    this.since = since;
  }

  cancel(): void {
    if (this.#queue.remove(this)) this.#queue.onRemoved();
    else this.dial?.cancel();
  }

  override onExpired(): void {
    if (this.#queue.remove(this)) this.#queue.onTimeout(this);
  }
}

/** How soon a line that has just begun to move is taken to move again. */
const firstIntervalMs = 1000;
/** How much the latest interval counts against those before it. */
const latestPart = 0.2;
/** Nobody is told to come back later than this: what stands for longer is not the queue's matter. */
const longestS = 60;

/** Those of one worker who wait for a place at one endpoint, in the order in which they came. */
export class ConnectionQueue {
  /** The line is shorter by one who has not got a place. */
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

  /** The one who came first has got a place. */
  shift(now: Instant): void {
    const first = this.#members.shift();
    if (first === undefined) return;
    this.#deadlines.remove(first);
    this.#intervalMs += latestPart * (this.#sinceMoved(now) - this.#intervalMs);
    this.#movedAt = now;
  }

  /** Whether it still waited. */
  remove(queued: QueueWaiter): boolean {
    const index = this.#members.indexOf(queued);
    if (index < 0) return false;
    this.#members.splice(index, 1);
    this.#deadlines.remove(queued);
    return true;
  }

  /** How long the line takes as it moves now, in whole seconds from 1: for Retry-After. It stands if it has not moved. */
  retryAfterS(now: Instant, isStuck: boolean): number {
    const eachMs = isStuck ? Math.max(this.#intervalMs, this.#sinceMoved(now)) : this.#intervalMs;
    return Math.min(longestS, Math.max(1, Math.ceil((eachMs * (this.#members.length + 1)) / 1000)));
  }

  #sinceMoved(now: Instant): number {
    return this.#movedAt === null ? 0 : now - this.#movedAt;
  }
}
