import { elapsedText } from '#failures/quantity-text.ts';
import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/** A time service that corrects a clock slowly moves it by less than a thousandth, and by less than this between two looks. */
const jumpMinMs = 5000;

const lookEveryMs = 5000;

/** Reports that the wall clock has moved against the monotonic one: it was set, or the machine slept. */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #startedWall: number;
  readonly #started: Instant;
  /** How much the wall clock was ahead of the monotonic one at the last look. */
  #aheadMs: number;
  #jumpedMs = 0;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock;
    this.#events = events;
    this.#startedWall = clock.wallTime();
    this.#started = clock.now();
    this.#aheadMs = this.#startedWall - this.#started;
  }

  /** When the process has started, by the wall clock as it is now. */
  get startedWall(): number {
    return this.#startedWall + this.#jumpedMs;
  }

  get uptimeMs(): number {
    return this.#clock.now() - this.#started;
  }

  /** Looks now, and from then on every 5 s. */
  look(): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    const again = (watch: ClockWatch): void => watch.look();
    const now = this.#clock.now();
    this.#timer = this.#clock.schedule(after(now, lookEveryMs), again, this as ClockWatch);
    const is = this.#clock.wallTime();
    const was = now + this.#aheadMs;
    this.#aheadMs = is - now;
    if (Math.abs(is - was) < jumpMinMs) return;
    this.#jumpedMs += is - was;
    this.#report(was, is);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #report(was: number, is: number): void {
    const by = elapsedText(Math.round(Math.abs(is - was) / 1000));
    const moved = is > was ? `forward by ${by}: it was set, or the machine slept` : `back by ${by}: it was set`;
    const [from, to] = [timeText(was), timeText(is)];
    this.#events.emit({
      kind: 'clock_changed',
      subject: 'gateway',
      from,
      to,
      reason: `the clock of the machine moved from ${from} to ${to}, ${moved}; what was recorded before has times of the old clock`,
      evidence: { was: from, is: to, movedMs: Math.round(is - was) },
    });
  }
}

const timeText = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
