import { fail } from '../core/failure.ts';
import type { Filter, FilterContext, FilterDecision, FilterResponseHead } from '../core/filter.ts';
import { after, type Clock, type Timer } from '../core/time.ts';

/** How many requests go on at once at the end of a pause, and again after each interval. */
const releaseCount = 16;
/** So 640 requests go on per second and worker, apart from those that follow a response. */
const releaseEveryMs = 25;
/** How soon a refused client may try again: most pauses are over by then. */
const retryAfterS = 5;

interface PausedRequest {
  readonly exchange: FilterContext;
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
  readonly #route: string;
  readonly #waitMs: number;
  readonly #waitersMax: number;
  /** In the order in which they came. */
  readonly #waiting = new Map<FilterContext, PausedRequest>();
  #isOver = false;

  /** `route`: what failures name as paused. */
  constructor(route: string, waitMs: number, waitersMax: number) {
    this.#route = route;
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
    if (this.#waiting.size >= limit) return fail('pause_full', 'filter', { route: this.#route, limit, retryAfterS });
    const { clock } = exchange;
    const timer = clock.schedule(after(clock.now(), this.#waitMs), waitedTooLong, {
      filter: this as PauseFilter,
      exchange,
    });
    this.#waiting.set(exchange, { exchange, timer });
    return 'suspend';
  }

  onCancelled(exchange: FilterContext): void {
    this.#waiting.get(exchange)?.timer?.cancel();
    this.#waiting.delete(exchange);
  }

  /** For the timer of one request alone. */
  onWaitedTooLong(exchange: FilterContext): void {
    if (!this.#waiting.delete(exchange)) return;
    const evidence = { route: this.#route, waitedMs: this.#waitMs, retryAfterS };
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

function waitedTooLong({ filter, exchange }: { readonly filter: PauseFilter; readonly exchange: FilterContext }): void {
  filter.onWaitedTooLong(exchange);
}

function releaseNext({ filter, clock }: { readonly filter: PauseFilter; readonly clock: Clock }): void {
  filter.releaseSome(clock);
}
