import type { RequestPriority } from '../../core/route-spec.ts';
import type { ConcurrencySpec } from '../../core/upstream-spec.ts';
import { Deadline, type Deadlines } from '../../core/deadline.ts';
import type { AttemptFacts } from '../../core/exchange.ts';
import { statusOf } from '#failures/failure-texts.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { QueueState } from '../../core/schemas/gateway-state.ts';
import type { Random } from '../../core/random.ts';
import type { BoundSemaphores } from '../../core/semaphores.ts';
import { after, type Clock, type Instant } from '../../core/time.ts';
import type { WaitingRequests } from '../../core/waiting-requests.ts';
import { QueueDelay } from '../../policy/queue-delay.ts';
import { DrainRate, retryAfterS } from '../../policy/drain-rate.ts';
import { GradientLimit } from '../../policy/gradient-limit.ts';
import { comparedSince, type Turn, TurnQueue } from '../../policy/turn-queue.ts';
import type { AdmittedExchange, GateTurn, RequestGate, TurnWaiter } from '../../exchange/request-gate.ts';

interface BoundPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly random: Random;
}

/** A request that waits for its turn in this worker. */
export class WaitingTurn extends Deadline implements Turn, GateTurn {
  readonly priority: RequestPriority;
  readonly since: Instant;
  previous: this | null = null;
  next: this | null = null;
  /** How long it may wait. */
  limitMs = 0;
  readonly waiter: TurnWaiter;
  readonly #bound: RequestBound;

  constructor(bound: RequestBound, waiter: TurnWaiter, priority: RequestPriority, since: Instant) {
    super();
    this.#bound = bound;
    this.waiter = waiter;
    this.priority = priority;
    this.since = since;
  }

  /** It has neither got its turn nor left. */
  get isWaiting(): boolean {
    return this.index >= 0;
  }

  cancel(): void {
    this.#bound.cancel(this);
  }

  override onExpired(now: Instant): void {
    this.#bound.expire(this, now);
  }
}

/**
 * A bound of requests in flight, of a route or an upstream, as one worker sees it: its semaphores are shared by all workers, its queue has the
 * waiting requests of this worker. A permit that is released goes to the request of the highest priority that has waited longest, in any worker.
 */
export class RequestBound implements RequestGate {
  /** Such as 'route /api' or 'upstream app'. */
  readonly name: string;
  readonly #ports: BoundPorts;
  readonly #semaphores: BoundSemaphores;
  readonly #queue = new TurnQueue<WaitingTurn>();
  readonly #rate = new DrainRate(() => this.#semaphores);
  #spec: ConcurrencySpec;
  #adaptive: GradientLimit | null = null;
  /** Of each priority, whose requests wait for those of higher ones; null: there is no target. */
  #delays: Readonly<Record<RequestPriority, QueueDelay>> | null = null;
  #isServing = false;

  constructor(
    name: string,
    spec: ConcurrencySpec,
    semaphoresOf: (onAvailable: () => void) => BoundSemaphores,
    ports: BoundPorts,
  ) {
    this.name = name;
    this.#ports = ports;
    this.#spec = spec;
    this.#semaphores = semaphoresOf(() => this.#serve());
    this.#adaptive = this.#adaptiveOf(spec);
    this.#delays = delaysOf(spec);
  }

  /** Of this worker; null: none. */
  get waitingRequests(): WaitingRequests | null {
    const { oldestSince, length } = this.#queue;
    return oldestSince === null ? null : { at: this.name, for: 'turn', count: length, sinceInstant: oldestSince };
  }

  /** Of all workers. */
  get condition(): QueueState {
    const { requests, waitingRequests } = this.#semaphores;
    const max = this.#max(this.#ports.clock.now());
    const bound = max === Infinity ? {} : { in_flight_max: max };
    return { queue: this.name, for: 'turn', waiting: waitingRequests.total, in_flight: requests.total, ...bound };
  }

  /** The bound in another revision of the configuration. Requests that wait go on waiting. */
  update(spec: ConcurrencySpec): void {
    const isOther = spec.adaptive !== this.#spec.adaptive || spec.requestsMax !== this.#spec.requestsMax;
    if (spec.queueTargetMs !== this.#spec.queueTargetMs) this.#delays = delaysOf(spec);
    this.#spec = spec;
    if (isOther) this.#adaptive = this.#adaptiveOf(spec);
    this.#serve();
  }

  #adaptiveOf({ adaptive, requestsMax }: ConcurrencySpec): GradientLimit | null {
    if (!adaptive) return null;
    return new GradientLimit(this.#semaphores.limit, requestsMax ?? adaptiveMax, () => this.#ports.random.next());
  }

  #max(now: Instant): number {
    return this.#adaptive?.current(now) ?? this.#spec.requestsMax ?? Infinity;
  }

  /**
   * A request wants to be in flight. 'admitted': it holds a permit, which `leave` releases. A turn: it waits, and hears of it. `remainingMs`: how long
   * it may still take altogether.
   */
  enter(waiter: TurnWaiter, priority: RequestPriority, remainingMs: number): 'admitted' | WaitingTurn | Failure {
    const now = this.#ports.clock.now();
    const turn = new WaitingTurn(this, waiter, priority, now);
    const before = this.#queue.countBefore(priority);
    if (before === 0 && this.#tryAcquire(turn, now)) {
      this.#delays?.[priority].note(now, 0);
      return 'admitted';
    }
    const waitMs = this.#rate.waitMs(now, this.#positionAfter(before, priority), this.#queue.length > 0);
    if (this.#rate.isMeasured && waitMs > remainingMs) return this.#unreachable(now, priority, waitMs, remainingMs);
    const { queueMax, queueMs } = this.#spec;
    if (!this.#semaphores.waitingRequests.tryAcquire(queueMax, now) && !this.#displace(priority, now)) {
      return this.#full(now, priority);
    }
    turn.limitMs = Math.min(queueMs, this.#limitMs(priority));
    turn.at = after(now, turn.limitMs);
    if (this.#queue.length === 0) this.#rate.begin(now);
    this.#queue.add(turn);
    this.#ports.deadlines.add(turn);
    this.#reportOldest(now);
    return turn;
  }

  /**
   * The position of a request in the queue of all workers, behind `before` others in this one. Which priorities wait elsewhere is not known: as many in
   * proportion as here.
   */
  #positionAfter(before: number, priority: RequestPriority): number {
    const { length } = this.#queue;
    const elsewhere = Math.max(0, this.#semaphores.waitingRequests.total - length);
    const share = length > 0 ? before / length : priority === 'high' ? 0 : 1;
    return before + Math.round(elsewhere * share) + 1;
  }

  /** A request that was admitted is not in flight any more. */
  leave(): void {
    this.#semaphores.requests.release(this.#max(this.#ports.clock.now()));
    this.#serve();
  }

  noteEnd(_: TurnWaiter, { attempts }: AdmittedExchange, startedAt: Instant): void {
    const attempt = attempts.at(-1);
    if (this.#adaptive === null || attempt === undefined) return;
    const now = this.#ports.clock.now();
    if (wasLostToLoad(attempt)) this.#adaptive.noteDrop(now);
    else if (attempt.headMs >= 0 && attempt.failure === null) {
      const latencyMs = attempt.headMs - attempt.startedMs;
      this.#adaptive.note(now, { startedAt, latencyMs, inFlight: this.#semaphores.requests.total });
    }
  }

  /** No route has it any more. Requests in flight, and those that wait, go on. */
  close(): void {
    this.#semaphores.requests.close();
    this.#semaphores.waitingRequests.close();
  }

  #tryAcquire(turn: Turn, now: Instant): boolean {
    return this.#semaphores.requests.tryAcquire(this.#max(now), comparedSince(turn));
  }

  // The queue.

  /** Requests get their turn while there are permits. */
  #serve(): void {
    // Within `onTurn` a request may fail and leave at once; the loop that called it goes on with the next one.
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      for (;;) {
        const now = this.#ports.clock.now();
        const { first } = this.#queue;
        if (first !== null && now - first.since > this.#limitMs(first.priority)) this.#refuseLate(first, now);
        else if (first !== null && this.#tryAcquire(first, now)) {
          this.#delays?.[first.priority].note(now, now - first.since);
          this.#remove(first, now);
          this.#rate.move(now);
          first.waiter.onTurn();
        } else if (!this.#reportOldest(now)) return;
      }
    } finally {
      this.#isServing = false;
    }
  }

  #limitMs(priority: RequestPriority): number {
    return this.#delays?.[priority].limitMs ?? Infinity;
  }

  /** It came before the queue was one that stands. */
  #refuseLate(turn: WaitingTurn, now: Instant): void {
    turn.limitMs = this.#limitMs(turn.priority);
    this.#delays?.[turn.priority].note(now, now - turn.since);
    this.expire(turn, now);
  }

  /** True if a permit has become free meanwhile. */
  #reportOldest(now: Instant): boolean {
    const { first } = this.#queue;
    const isFree = this.#semaphores.requests.reportOldestWaiter(
      first === null ? null : comparedSince(first),
      this.#max(now),
    );
    if (isFree && !this.#isServing) this.#serve();
    return isFree;
  }

  #remove(turn: WaitingTurn, now: Instant, keepsPermit = false): boolean {
    if (!this.#queue.remove(turn)) return false;
    this.#ports.deadlines.remove(turn);
    if (!keepsPermit) this.#semaphores.waitingRequests.release(this.#spec.queueMax);
    if (!this.#isServing) this.#reportOldest(now);
    return true;
  }

  /** Called by the turn alone: its request does not wait any more. */
  cancel(turn: WaitingTurn): void {
    this.#remove(turn, this.#ports.clock.now());
  }

  /** Called by the turn alone: it has waited as long as it may. */
  expire(turn: WaitingTurn, now: Instant): void {
    const failure = this.#late(turn, now);
    if (this.#remove(turn, now)) turn.waiter.onNoTurn(failure);
  }

  /** The queue is full: the last request of a lower priority gives up its place. False if there is none in this worker. */
  #displace(priority: RequestPriority, now: Instant): boolean {
    const last = this.#queue.lastBelow(priority);
    if (last === null || !this.#remove(last, now, true)) return false;
    last.waiter.onNoTurn(this.#full(now, last.priority, true));
    return true;
  }

  // Failures.

  #full(now: Instant, priority: RequestPriority, displaced = false): Failure {
    const { queueMax } = this.#spec;
    const seen = { bound: this.name, limit: this.#max(now), queueMax, ...(displaced ? { displaced } : {}) };
    return fail('concurrency_limit', 'queue', { ...seen, retryAfterS: this.#retryAfterS(now, priority) });
  }

  #late({ since, priority, limitMs }: WaitingTurn, now: Instant): Failure {
    const seen = { bound: this.name, limit: this.#max(now), waitedMs: Math.round(now - since), limitMs };
    return fail('concurrency_timeout', 'queue', { ...seen, retryAfterS: this.#retryAfterS(now, priority) });
  }

  #unreachable(now: Instant, priority: RequestPriority, waitMs: number, remainingMs: number): Failure {
    const leftMs = Math.max(0, Math.round(remainingMs));
    const seen = { bound: this.name, limit: this.#max(now), waitMs: Math.round(waitMs), leftMs };
    return fail('deadline_unreachable', 'queue', { ...seen, retryAfterS: this.#retryAfterS(now, priority) });
  }

  #retryAfterS(now: Instant, priority: RequestPriority): number {
    const position = this.#positionAfter(this.#queue.countBefore(priority), priority);
    const waitMs = this.#rate.waitMs(now, position, this.#queue.length > 0, this.#spec.queueMs);
    return retryAfterS(waitMs, this.#ports.random.next());
  }
}

function delaysOf({ queueTargetMs: ms }: ConcurrencySpec): Readonly<Record<RequestPriority, QueueDelay>> | null {
  return ms === undefined ? null : { high: new QueueDelay(ms), normal: new QueueDelay(ms), low: new QueueDelay(ms) };
}

/** The endpoint was asked for more than it can do: it says so, or did not answer in time, or has no free connection. */
function wasLostToLoad({ status, failure }: AttemptFacts): boolean {
  if (failure === null) return status === 503 || status === 429;
  return statusOf(failure) === 504 || failure.cause === 'pool_full' || failure.cause === 'queue_timeout';
}

/** Of a bound that adapts and has no `max`. */
const adaptiveMax = 1000;
