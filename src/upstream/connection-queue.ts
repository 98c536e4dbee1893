import { Deadline, type Deadlines } from '../core/deadline.ts';
import type { AddressUse } from '../core/pooled-connection.ts';
import type { EndpointSemaphores } from '../core/semaphores.ts';
import type { ReusePolicy, PendingStream, StreamWaiter } from '../core/stream.ts';
import { after, type Instant } from '../core/time.ts';
import { DrainRate } from '../policy/drain-rate.ts';
import type { DialLimits } from './dial.ts';
import type { DialDemand } from './pool-dial.ts';

/** A request that waits for a connection. It stays its attempt's pending stream when it has left the queue. */
export class QueueWaiter extends Deadline implements PendingStream, DialDemand {
  readonly waiter: StreamWaiter;
  readonly limits: DialLimits;
  readonly reusePolicy: ReusePolicy;
  readonly use: AddressUse | null;
  readonly waitingSince: Instant;
  /** The dial for it, when it has left the queue. */
  dial: PendingStream | null = null;
  readonly #queue: ConnectionQueue;

  constructor(queue: ConnectionQueue, { waiter, limits, reusePolicy, use }: DialDemand, since: Instant) {
    super();
    this.#queue = queue;
    this.waiter = waiter;
    this.limits = limits;
    this.reusePolicy = reusePolicy;
    this.use = use;
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

/**
 * The requests of one worker that wait for a connection to one endpoint, in the order in which they came. Those whose address has its share
 * let others pass.
 */
export class ConnectionQueue {
  /** A waiter has left the queue without a connection. */
  readonly onRemoved: () => void;
  readonly onTimeout: (queued: QueueWaiter) => void;
  readonly #deadlines: Deadlines;
  #members: QueueWaiter[] = [];
  /** Those of all workers. */
  readonly #shared: () => Pick<EndpointSemaphores, 'turns' | 'waitingRequests'>;
  readonly #rate: DrainRate;
  readonly #mustLeave: (use: AddressUse | null) => boolean;

  constructor(
    shared: () => Pick<EndpointSemaphores, 'turns' | 'waitingRequests'>,
    deadlines: Deadlines,
    onRemoved: () => void,
    onTimeout: (queued: QueueWaiter) => void,
    mustLeave: (use: AddressUse | null) => boolean,
  ) {
    this.#shared = shared;
    this.#rate = new DrainRate(shared);
    this.#deadlines = deadlines;
    this.onRemoved = onRemoved;
    this.onTimeout = onTimeout;
    this.#mustLeave = mustLeave;
  }

  get length(): number {
    return this.#members.length;
  }

  get oldest(): QueueWaiter | null {
    return this.#members[0] ?? null;
  }

  /** The first one that need not leave what is free to other addresses. */
  get next(): QueueWaiter | null {
    let leaving: AddressUse | null = null;
    for (const queued of this.#members) {
      if (queued.use !== null && queued.use === leaving) continue;
      if (!this.#mustLeave(queued.use)) return queued;
      leaving = queued.use;
    }
    return null;
  }

  join(demand: DialDemand, now: Instant, limitMs: number): QueueWaiter {
    const queued = new QueueWaiter(this, demand, now);
    queued.at = after(now, limitMs);
    if (this.#members.length === 0) this.#rate.begin(now);
    this.#members.push(queued);
    if (queued.use !== null) queued.use.waiting++;
    this.#deadlines.add(queued);
    return queued;
  }

  /** The waiter gets a connection. */
  take(queued: QueueWaiter, now: Instant): void {
    if (this.remove(queued)) this.#rate.move(now);
  }

  /** Returns whether it was still in the queue. */
  remove(queued: QueueWaiter): boolean {
    const index = this.#members.indexOf(queued);
    if (index < 0) return false;
    this.#members.splice(index, 1);
    if (queued.use !== null) queued.use.waiting--;
    this.#deadlines.remove(queued);
    return true;
  }

  /**
   * How long the queue of all workers takes at its present speed, for Retry-After. `limitMs`: how long a request may wait. `isStuck`: one has waited for
   * that time.
   */
  waitMs(now: Instant, limitMs: number, isStuck = false): number {
    const position = this.#shared().waitingRequests.total + 1;
    return this.#rate.waitMs(now, position, isStuck || this.#members.length > 0, limitMs);
  }
}
