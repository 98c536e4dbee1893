import { fail, type Failure } from '#failures/failure.ts';
import type { Random } from '../core/random.ts';
import type { RequestPriority } from '../core/route-spec.ts';
import type { Clock, Instant } from '../core/time.ts';
import type { GateTurn, RequestGate, TurnWaiter } from '../exchange/request-gate.ts';
import { retryAfterS } from '../policy/drain-rate.ts';
import { LoadShedding } from '../policy/load-shedding.ts';
import { type Turn, TurnQueue } from '../policy/turn-queue.ts';

export interface LoopQueueParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Calls at the end of this turn of the event loop, or of the next one if this one ends already. */
  readonly atEndOfTurn: (call: () => void) => void;
}

/**
 * Requests that begin in one turn of the loop. What came back for earlier ones is read between two turns. By `npm run bench:own-overload` the gateway serves 58 to 105 % of what it
 * can with 16 (eleven runs, of which nine are below 90 %), 53 to 86 % with 32, and 59 to 68 % with 64.
 */
const perTurn = 16;

class LoopTurn implements Turn, GateTurn {
  readonly waiter: TurnWaiter;
  readonly priority: RequestPriority;
  readonly since: Instant;
  isWaiting = true;
  previous: this | null = null;
  next: this | null = null;
  readonly #queue: TurnQueue<LoopTurn>;

  constructor(queue: TurnQueue<LoopTurn>, waiter: TurnWaiter, priority: RequestPriority, since: Instant) {
    this.#queue = queue;
    this.waiter = waiter;
    this.priority = priority;
    this.since = since;
  }

  cancel(): void {
    this.isWaiting = false;
    this.#queue.remove(this);
  }
}

/**
 * The requests that wait for the event loop of their worker. A few begin in each turn, by priority and then as they came.
 *
 * Where there are more than the worker can do, those that came last begin first within their priority (adaptive LIFO: Maurer, Fail at Scale, ACM Queue 13(8), 2015), and
 * those that have waited too long are refused, of low priority first: in the order in which they came, each would be answered when its client has given up. Refusals get a
 * share of the time only, because one that costs what it spares would take the time of those that could be served.
 */
export class LoopQueue implements RequestGate {
  readonly shedding = new LoadShedding();
  readonly #parts: LoopQueueParts;
  readonly #queue = new TurnQueue<LoopTurn>();
  #isServing = false;
  #begun = 0;

  constructor(parts: LoopQueueParts) {
    this.#parts = parts;
  }

  /** A turn took `turnMs`. Returns how long a request waits for the loop: for the turn, and for those before it. */
  note(now: Instant, turnMs: number): number {
    const { oldestSince } = this.#queue;
    const delayMs = oldestSince === null ? turnMs : turnMs + (now - oldestSince);
    this.shedding.note(now, delayMs, this.#begun);
    this.#begun = 0;
    return delayMs;
  }

  enter(waiter: TurnWaiter, priority: RequestPriority): GateTurn {
    const turn = new LoopTurn(this.#queue, waiter, priority, this.#parts.clock.now());
    this.#queue.add(turn);
    this.#serveLater();
    return turn;
  }

  leave(): void {}

  noteEnd(): void {}

  #serveLater(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    this.#parts.atEndOfTurn(this.#serve);
  }

  readonly #serve = (): void => {
    this.#isServing = false;
    const { isLate } = this.shedding;
    for (let count = 0; count < perTurn; count++) {
      const turn = isLate ? this.#queue.newest : this.#queue.first;
      if (turn === null) return;
      turn.cancel();
      this.#begun++;
      turn.waiter.onTurn();
    }
    if (isLate) this.#refuseOldest();
    if (this.#queue.first !== null) this.#serveLater();
  };

  #refuseOldest(): void {
    const { clock } = this.#parts;
    for (let now = clock.now(); this.shedding.hasTime(now); ) {
      const turn = this.#queue.oldestBefore(this.shedding.refusedBefore(now));
      if (turn === null) return;
      turn.cancel();
      turn.waiter.onNoTurn(this.#failure(now - turn.since));
      const began = now;
      now = clock.now();
      this.shedding.spend(now - began);
    }
  }

  #failure(waitedMs: number): Failure {
    const what = `the delay of a worker's event loop in milliseconds (now ${Math.round(waitedMs)})`;
    const waitMs = this.shedding.waitMs(this.#queue.length);
    return fail('shed', 'route', {
      what,
      limit: this.shedding.delayMaxMs,
      retryAfterS: retryAfterS(waitMs, this.#parts.random.next()),
    });
  }
}
