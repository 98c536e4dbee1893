import type { RequestPriority } from '../core/route-spec.ts';
import type { Clock, Instant } from '../core/time.ts';
import type { GateTurn, RequestGate, TurnWaiter } from '../exchange/request-gate.ts';
import { type Turn, TurnQueue } from '../policy/turn-queue.ts';

interface LoopQueueParts {
  readonly clock: Clock;
  /** Calls at the end of this turn of the event loop, or of the next one if this one ends already. */
  readonly atEndOfTurn: (call: () => void) => void;
}

/**
 * From this delay on requests wait here. In so long a turn more of them would begin than an endpoint has connections and places in its queue by default: they
 * would be refused while its answers lie unread. Below it the queue costs more than it spares: a connection of HTTP/2 whose streams begin in several turns is
 * written to more often (measured: 36 µs in place of 24 for a small GET among 200).
 */
const lateMs = 20;

/** Requests that begin in one turn of the loop. What came back for earlier ones is read between two turns. */
const perTurn = 32;

class LoopTurn implements Turn, GateTurn {
  readonly waiter: TurnWaiter;
  readonly priority: RequestPriority;
  readonly since: Instant;
  isWaiting = true;
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
 * The requests that wait for the event loop of their worker. While the delay is short it is closed, and no request passes it. When it is long, only a few
 * begin in each turn, by priority and then as they came: the others wait here, where their wait is known.
 */
export class LoopQueue implements RequestGate {
  readonly #parts: LoopQueueParts;
  readonly #queue = new TurnQueue<LoopTurn>();
  #isOpen = false;
  #isServing = false;
  #begun = 0;

  constructor(parts: LoopQueueParts) {
    this.#parts = parts;
  }

  /** Whether requests have to pass it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A turn took `turnMs`. Returns how long a request waits for the loop: for the turn, and for those before it. */
  note(now: Instant, turnMs: number): number {
    const { oldestSince } = this.#queue;
    const delayMs = oldestSince === null ? turnMs : turnMs + (now - oldestSince);
    this.#isOpen = delayMs >= lateMs;
    return delayMs;
  }

  /** How many requests have begun here since this was last asked. */
  takeBegun(): number {
    const begun = this.#begun;
    this.#begun = 0;
    return begun;
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
    this.#parts.atEndOfTurn(() => this.#serve());
  }

  #serve(): void {
    this.#isServing = false;
    for (let count = 0; count < perTurn; count++) {
      const { first } = this.#queue;
      if (first === null) return;
      first.cancel();
      this.#begun++;
      first.waiter.onTurn();
    }
    if (this.#queue.first !== null) this.#serveLater();
  }
}
