import { fail } from '#failures/failure.ts';
import type { Filter, FilterContext, FilterDecision, FilterResponseHead } from '../core/filter.ts';
import { after, type Clock, type Timer } from '../core/time.ts';

/** How many requests go on at once at the end of a pause, and again after each interval. */
const releaseCount = 16;
/** So 640 requests go on per second and worker, apart from those that follow a response. */
const releaseEveryMs = 25;
/** How soon a refused client may try again: most pauses are over by then. */
const retryAfterS = 5;

interface PausedRequest {
  readonly filter: PauseFilter;
  readonly exchange: FilterContext;
  readonly waitMs: number;
  /** Ends its wait; null once the pause is over. */
  timer: Timer | null;
}

/**
 * Suspends requests until an operator ends the pause. At its end they do not all go on at once, since the queue of the upstream
 * might not hold them: some go on, and the next ones follow with each response and in intervals. One filter serves all routes
 * that the pause concerns.
 */
export class PauseFilter implements Filter {
  readonly name = 'pause';
  readonly limitsSuspension = true;
  readonly #paused: string;
  #waitMs: number;
  #waitersMax: number;
  /** In the order in which they came. */
  readonly #waiting = new Map<FilterContext, PausedRequest>();
  #isOver = false;

  /** `paused`: what failures name, such as 'route /api'. */
  constructor(paused: string, waitMs: number, waitersMax: number) {
    this.#paused = paused;
    this.#waitMs = waitMs;
    this.#waitersMax = waitersMax;
  }

  /** For requests that come from now on; those that wait keep their time. */
  setLimits(waitMs: number, waitersMax: number): void {
    this.#waitMs = waitMs;
    this.#waitersMax = waitersMax;
  }

  /** Requests that wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  onRequestHead(exchange: FilterContext): FilterDecision {
    if (this.#isOver) return 'continue';
    const limit = this.#waitersMax;
    if (this.#waiting.size >= limit) return fail('pause_full', 'filter', { paused: this.#paused, limit, retryAfterS });
    const { clock } = exchange;
    const paused: PausedRequest = { filter: this, exchange, waitMs: this.#waitMs, timer: null };
    paused.timer = clock.schedule(after(clock.now(), this.#waitMs), waitedTooLong, paused);
    this.#waiting.set(exchange, paused);
    return 'suspend';
  }

  onCancelled(exchange: FilterContext): void {
    this.#waiting.get(exchange)?.timer?.cancel();
    this.#waiting.delete(exchange);
  }

  /** For the timer of one request alone. */
  onWaitedTooLong(exchange: FilterContext, waitedMs: number): void {
    if (!this.#waiting.delete(exchange)) return;
    const evidence = { paused: this.#paused, waitedMs, retryAfterS };
    exchange.resume(this, fail('pause_timeout', 'filter', evidence));
  }

  /** A response comes for a request that went on: the upstream has room for the next one. */
  onResponseHead(_exchange: FilterContext, _head: FilterResponseHead): void {
    if (this.#isOver) this.#release(1);
  }

  /** The pause is over: requests that wait go on, none is suspended any more. */
  end(clock: Clock): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const paused of this.#waiting.values()) {
      paused.timer?.cancel();
      paused.timer = null;
    }
    this.releaseSome(clock);
  }

  /** For `end` and its timer alone. */
  releaseSome(clock: Clock): void {
    this.#release(releaseCount);
    if (this.#waiting.size === 0) return;
    clock.schedule(after(clock.now(), releaseEveryMs), releaseNext, { filter: this as PauseFilter, clock });
  }

  #release(count: number): void {
    let left = count;
    for (const exchange of this.#waiting.keys()) {
      if (left-- === 0) return;
      this.#waiting.delete(exchange);
      exchange.resume(this, 'continue');
    }
  }
}

function waitedTooLong({ filter, exchange, waitMs }: PausedRequest): void {
  filter.onWaitedTooLong(exchange, waitMs);
}

function releaseNext({ filter, clock }: { readonly filter: PauseFilter; readonly clock: Clock }): void {
  filter.releaseSome(clock);
}
