import { fail, type Failure } from '#failures/failure.ts';
import type { Random } from '../core/random.ts';
import type { RequestPriority } from '../core/route-spec.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { retryAfterS } from '../policy/drain-rate.ts';
import { LoadShedding } from '../policy/load-shedding.ts';
import { LoopQueue } from './loop-queue.ts';

interface LoopWatchParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly atEndOfTurn: (call: () => void) => void;
  /** Called when requests begin to be refused, and when they no longer are. */
  readonly onChange: (isShedding: boolean) => void;
}

/** How often the delay is measured while requests come. */
const measureEveryMs = 100;

/** A timer of this length fires in the next turn of the loop: how late it is, so long that turn took. */
const turnMs = 1;

/**
 * Watches how late a worker's event loop is, and refuses requests with `shed` while it is too late for all of them. A worker without requests does not wake up
 * for it.
 */
export class LoopWatch {
  readonly #parts: LoopWatchParts;
  readonly #shedding = new LoadShedding(Infinity);
  readonly #queue: LoopQueue;
  #delayMaxMs = Infinity;
  #isMeasuring = false;
  #hasRequests = false;
  #dueAt: Instant;

  constructor(parts: LoopWatchParts) {
    this.#parts = parts;
    this.#queue = new LoopQueue(parts);
    this.#dueAt = parts.clock.now();
  }

  /** Infinity: no request is refused. */
  use(delayMaxMs: number): void {
    this.#delayMaxMs = delayMaxMs;
    this.#shedding.delayMaxMs = delayMaxMs;
  }

  /** What requests have to pass while turns are long; null: nothing. */
  get queue(): LoopQueue | null {
    return this.#queue.isOpen ? this.#queue : null;
  }

  /** A request has come. Why it is refused; null: it is not. */
  refusal(priority: RequestPriority): Failure | null {
    this.#hasRequests = true;
    if (!this.#isMeasuring) this.#waitForMeasurement();
    return this.#delayMaxMs < Infinity && this.#shedding.refuses(priority) ? this.#failure() : null;
  }

  #failure(): Failure {
    const { waitMs, delayMs } = this.#shedding;
    const limit = this.#delayMaxMs;
    const what = `the delay of a worker's event loop in milliseconds (now ${Math.round(delayMs)})`;
    return fail('shed', 'route', { what, limit, retryAfterS: retryAfterS(waitMs, this.#parts.random.next()) });
  }

  #waitForMeasurement(): void {
    const { clock } = this.#parts;
    this.#isMeasuring = true;
    this.#hasRequests = false;
    clock.schedule(after(clock.now(), measureEveryMs), beginTurn, this as LoopWatch);
  }

  /** Called by a timer only: the turn that is measured begins. */
  beginTurn(): void {
    const { clock } = this.#parts;
    this.#dueAt = after(clock.now(), turnMs);
    clock.schedule(this.#dueAt, endTurn, this as LoopWatch);
  }

  /** Called by a timer only. */
  endTurn(): void {
    const { clock, onChange } = this.#parts;
    const now = clock.now();
    const wasShedding = this.#shedding.share > 0;
    const delayMs = this.#queue.note(now, Math.max(0, now - this.#dueAt));
    this.#shedding.note(now, delayMs, this.#queue.takeBegun());
    const isShedding = this.#delayMaxMs < Infinity && this.#shedding.share > 0;
    if (isShedding !== wasShedding) onChange(isShedding);
    this.#isMeasuring = false;
    if (this.#hasRequests || isShedding || this.#queue.isOpen) this.#waitForMeasurement();
  }
}

function beginTurn(watch: LoopWatch): void {
  watch.beginTurn();
}

function endTurn(watch: LoopWatch): void {
  watch.endTurn();
}
