import { after, type Instant } from '../core/time.ts';
import type { RequestGate } from '../exchange/request-gate.ts';
import { LoopQueue, type LoopQueueParts } from './loop-queue.ts';

interface LoopWatchParts extends LoopQueueParts {
  /** Counts the turns of the loop in which bytes have left. */
  readonly turns: { readonly turns: number };
  /** Called when requests begin to be refused, and when they no longer are. */
  readonly onChange: (isShedding: boolean) => void;
}

/** How often the delay is measured while requests come. */
const measureEveryMs = 100;

/** A timer of this length fires in the next turn of the loop: how late it is, so long that turn took. */
const turnMs = 1;

/**
 * From this delay on requests wait in the queue of the loop, and from this time on in a turn the others that come in it. In so long a turn more of them would begin than an
 * endpoint has connections and places in its queue by default: they would be refused while its answers lie unread, and a client that comes again at once
 * is read in the same turn, which so has no end (libuv reads up to 48 × 1,024 sockets in one; a turn of 12 s was seen). Below it the queue costs more than it
 * spares: a connection of HTTP/2 whose streams begin in several turns is written to more often (measured: 36 µs in place of 24 for a small GET among 200).
 */
const lateMsMost = 20;

/**
 * Watches how late a worker's event loop is, and has requests wait for it while it is late. A worker without requests does not wake up
 * for it.
 */
export class LoopWatch {
  readonly #parts: LoopWatchParts;
  readonly #queue: LoopQueue;
  #lateMs = lateMsMost;
  #delayMs = 0;
  #isMeasuring = false;
  #hasRequests = false;
  #dueAt: Instant;
  /** The turn in which the last request came, and when the first one came in it. */
  #turn = -1;
  #turnBeganAt: Instant;

  constructor(parts: LoopWatchParts) {
    this.#parts = parts;
    this.#queue = new LoopQueue(parts);
    this.#dueAt = this.#turnBeganAt = parts.clock.now();
  }

  /** Infinity: no request is refused. Only requests that wait can be refused, so they wait from that delay on at the latest. */
  use(delayMaxMs: number): void {
    this.#queue.shedding.delayMaxMs = delayMaxMs;
    this.#lateMs = Math.min(lateMsMost, delayMaxMs);
  }

  /** A request has come. What it has to pass; null: nothing. */
  gate(): RequestGate | null {
    this.#hasRequests = true;
    if (!this.#isMeasuring) this.#waitForMeasurement();
    if (this.#delayMs >= this.#lateMs) return this.#queue;
    const now = this.#parts.clock.now();
    const { turns } = this.#parts.turns;
    if (turns === this.#turn) return now - this.#turnBeganAt >= this.#lateMs ? this.#queue : null;
    this.#turn = turns;
    this.#turnBeganAt = now;
    return null;
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
    const { shedding } = this.#queue;
    const now = clock.now();
    const wasLate = shedding.isLate;
    this.#delayMs = this.#queue.note(now, Math.max(0, now - this.#dueAt));
    if (shedding.isLate !== wasLate) onChange(shedding.isLate);
    this.#isMeasuring = false;
    if (this.#hasRequests || shedding.isLate || this.#delayMs >= this.#lateMs) this.#waitForMeasurement();
  }
}

function beginTurn(watch: LoopWatch): void {
  watch.beginTurn();
}

function endTurn(watch: LoopWatch): void {
  watch.endTurn();
}
