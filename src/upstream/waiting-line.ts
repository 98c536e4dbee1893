import { Deadline, type Deadlines } from '../core/deadline.ts';
import type { ConnectionAge, PendingStream, StreamWaiter } from '../core/stream.ts';
import { after, type Instant } from '../core/time.ts';
import type { OpeningLimits } from './opening.ts';

/** An exchange that waits for a place. It is a pending stream in the line, and afterwards where it has got one. */
export class Waiting extends Deadline implements PendingStream {
  readonly waiter: StreamWaiter;
  readonly limits: OpeningLimits;
  readonly age: ConnectionAge;
  readonly since: Instant;
  /** Its connection on the way, when it has left the line. */
  opening: PendingStream | null = null;
  readonly #line: WaitingLine;

  constructor(line: WaitingLine, waiter: StreamWaiter, limits: OpeningLimits, age: ConnectionAge, since: Instant) {
    super();
    this.#line = line;
    this.waiter = waiter;
    this.limits = limits;
    this.age = age;
    this.since = since;
  }

  cancel(): void {
    if (this.#line.leave(this)) this.#line.onLeft();
    else this.opening?.cancel();
  }

  override onExpired(): void {
    if (this.#line.leave(this)) this.#line.onTooLate(this);
  }
}

/** How soon a line that has just begun to move is taken to move again. */
const firstIntervalMs = 1000;
/** How much the latest interval counts against those before it. */
const latestPart = 0.2;
/** Nobody is told to come back later than this: what stands for longer is not the queue's matter. */
const longestS = 60;

/** Those of one worker who wait for a place at one endpoint, in the order in which they came. */
export class WaitingLine {
  /** The line is shorter by one who has not got a place. */
  readonly onLeft: () => void;
  readonly onTooLate: (waiting: Waiting) => void;
  readonly #deadlines: Deadlines;
  #members: Waiting[] = [];
  #intervalMs = firstIntervalMs;
  #movedAt: Instant | null = null;

  constructor(deadlines: Deadlines, onLeft: () => void, onTooLate: (waiting: Waiting) => void) {
    this.#deadlines = deadlines;
    this.onLeft = onLeft;
    this.onTooLate = onTooLate;
  }

  get length(): number {
    return this.#members.length;
  }

  get first(): Waiting | null {
    return this.#members[0] ?? null;
  }

  join(waiter: StreamWaiter, limits: OpeningLimits, age: ConnectionAge, now: Instant, limitMs: number): Waiting {
    const waiting = new Waiting(this, waiter, limits, age, now);
    waiting.at = after(now, limitMs);
    if (this.#members.length === 0) this.#movedAt = now;
    this.#members.push(waiting);
    this.#deadlines.add(waiting);
    return waiting;
  }

  /** The one who came first has got a place. */
  shift(now: Instant): void {
    const first = this.#members.shift();
    if (first === undefined) return;
    this.#deadlines.remove(first);
    this.#intervalMs += latestPart * (this.#sinceMoved(now) - this.#intervalMs);
    this.#movedAt = now;
  }

  /** Whether it still waited. */
  leave(waiting: Waiting): boolean {
    const place = this.#members.indexOf(waiting);
    if (place < 0) return false;
    this.#members.splice(place, 1);
    this.#deadlines.remove(waiting);
    return true;
  }

  /** How long the line takes as it moves now, in whole seconds from 1: for Retry-After. It stands if it has not moved. */
  lastsS(now: Instant, stands: boolean): number {
    const eachMs = stands ? Math.max(this.#intervalMs, this.#sinceMoved(now)) : this.#intervalMs;
    return Math.min(longestS, Math.max(1, Math.ceil((eachMs * (this.#members.length + 1)) / 1000)));
  }

  #sinceMoved(now: Instant): number {
    return this.#movedAt === null ? 0 : now - this.#movedAt;
  }
}
