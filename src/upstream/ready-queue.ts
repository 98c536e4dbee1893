import type { WorkerCounts } from '../core/counters.ts';
import type { ReadyWaiter } from '../core/stream.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/** How often the queue looks whether an endpoint accepts connections again: no message tells a worker so. */
const lookEveryMs = 25;

/**
 * `ready`: an endpoint may get requests. `full`: one may, but no more of them wait for connections than already do. `one`: an endpoint that
 * refused connections may get one request, to find out. `not_yet`: none may, but one may soon. `hopeless`: none will.
 */
export type Readiness = 'ready' | 'full' | 'one' | 'not_yet' | 'hopeless';

interface ReadyQueueUpstream {
  readiness(): Readiness;
  /** An endpoint is ready no earlier. */
  earliestReturn(): Instant;
}

interface Member {
  readonly waiter: ReadyWaiter;
  readonly since: Instant;
  readonly deadline: Instant;
}

/**
 * The requests of one worker that wait until an endpoint of an upstream is ready, in the order in which they came. When one is, they go on as far as it
 * has room for them; its own queue for connections then keeps their order.
 */
export class ReadyQueue {
  readonly #clock: Clock;
  readonly #counts: WorkerCounts;
  readonly #upstream: ReadyQueueUpstream;
  /** In the order in which they came. */
  readonly #members = new Set<Member>();
  #timer: Timer | null = null;

  constructor(clock: Clock, counts: WorkerCounts, upstream: ReadyQueueUpstream) {
    this.#clock = clock;
    this.#counts = counts;
    this.#upstream = upstream;
  }

  get length(): number {
    return this.#members.size;
  }

  /** Since when the one waits that has waited longest; null if none waits. */
  get oldestSince(): Instant | null {
    const [first] = this.#members;
    return first?.since ?? null;
  }

  /** Calls `onReady` or `onNotReady` of `waiter` once, later. The result takes it out of the queue. */
  join(waiter: ReadyWaiter, limitMs: number): { cancel(): void } {
    const since = this.#clock.now();
    const member: Member = { waiter, since, deadline: after(since, limitMs) };
    this.#members.add(member);
    this.#counts.readyWaiters++;
    this.#counts.readyWaitsTotal++;
    this.#timer ??= this.#schedule();
    return { cancel: () => void this.#remove(member) };
  }

  /** Endpoints have changed, or the next look is due. */
  look(): void {
    const [first] = this.#members;
    if (first === undefined) return;
    let readiness = this.#upstream.readiness();
    if (readiness === 'one') this.#end(first, (waiter) => waiter.onReady());
    // A waiter that joins again meanwhile is not among them.
    const members = readiness === 'ready' || readiness === 'hopeless' ? [...this.#members] : [];
    for (const member of members) {
      if (readiness === 'hopeless') this.#end(member, (waiter) => waiter.onNotReady());
      else if (readiness === 'ready') this.#end(member, (waiter) => waiter.onReady());
      else break;
      if (readiness === 'ready') readiness = this.#upstream.readiness();
    }
    this.#endHopeless(readiness);
  }

  /**
   * Ends the waiters whose deadline has passed, or passes before an endpoint can be ready. Where an endpoint is ready, they learn there that it has no
   * room for them.
   */
  #endHopeless(readiness: Readiness): void {
    const now = this.#clock.now();
    const earliest = readiness === 'not_yet' ? this.#upstream.earliestReturn() : now;
    const hopeless = [...this.#members].filter(({ deadline }) => deadline <= now || deadline < earliest);
    const isReady = readiness === 'ready' || readiness === 'full';
    for (const member of hopeless) this.#end(member, (waiter) => (isReady ? waiter.onReady() : waiter.onNotReady()));
  }

  #end(member: Member, tell: (waiter: ReadyWaiter) => void): void {
    if (this.#remove(member)) tell(member.waiter);
  }

  #remove(member: Member): boolean {
    if (!this.#members.delete(member)) return false;
    this.#counts.readyWaiters--;
    if (this.#members.size > 0 || this.#timer === null) return true;
    this.#timer.cancel();
    this.#timer = null;
    return true;
  }

  #schedule(): Timer {
    return this.#clock.schedule(after(this.#clock.now(), lookEveryMs), lookAgain, this);
  }

  /** For the timer alone. */
  onTimer(): void {
    this.#timer = null;
    this.look();
    if (this.#members.size > 0) this.#timer ??= this.#schedule();
  }
}

function lookAgain(queue: ReadyQueue): void {
  queue.onTimer();
}
