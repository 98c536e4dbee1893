import { Deadline, type Deadlines } from '../core/deadline.ts';
import type { EndpointSemaphores } from '../core/semaphores.ts';
import type { ReusePolicy, PendingStream, StreamWaiter } from '../core/stream.ts';
import { after, type Instant } from '../core/time.ts';
import { DrainRate } from '../policy/drain-rate.ts';
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

/** The requests of one worker that wait for a connection to one endpoint, in the order in which they came. */
export class ConnectionQueue {
  /** A waiter has left the queue without a connection. */
  readonly onRemoved: () => void;
  readonly onTimeout: (queued: QueueWaiter) => void;
  readonly #deadlines: Deadlines;
  #members: QueueWaiter[] = [];
  /** Those of all workers. */
  readonly #shared: () => Pick<EndpointSemaphores, 'turns' | 'waitingRequests'>;
  readonly #rate: DrainRate;

  constructor(
    shared: () => Pick<EndpointSemaphores, 'turns' | 'waitingRequests'>,
    deadlines: Deadlines,
    onRemoved: () => void,
    onTimeout: (queued: QueueWaiter) => void,
  ) {
    this.#shared = shared;
    this.#rate = new DrainRate(() => shared().turns);
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
    if (this.#members.length === 0) this.#rate.begin(now);
    this.#members.push(queued);
    this.#deadlines.add(queued);
    return queued;
  }

  /** The first waiter gets a connection. */
  shift(now: Instant): void {
    const first = this.#members.shift();
    if (first === undefined) return;
    this.#deadlines.remove(first);
    this.#rate.move(now);
  }

  /** Returns whether it was still in the queue. */
  remove(queued: QueueWaiter): boolean {
    const index = this.#members.indexOf(queued);
    if (index < 0) return false;
    this.#members.splice(index, 1);
    this.#deadlines.remove(queued);
    return true;
  }

  /** How long the queue of all workers takes at its present speed, for Retry-After. `isStuck`: a request has waited too long. */
  waitMs(now: Instant, isStuck = false): number {
    const position = this.#shared().waitingRequests.total + 1;
    return this.#rate.waitMs(now, position, isStuck || this.#members.length > 0);
  }
}
