import type { ClientLimits } from '../../core/listener-spec.ts';
import { Deadline, type Deadlines } from '../../core/deadline.ts';
import { after, type Clock, type Instant, never } from '../../core/time.ts';
import { MinimumRate } from '../minimum-rate.ts';
import type { Slowness } from '../timeouts.ts';

export interface StreamTimeoutsOwner {
  readonly contentReceived: number;
  /** The client has not sent its content in time, or sends it too slowly. */
  onContentOverdue(slowness: Slowness | null): void;
  /** The client has opened no window for the response in time, or opens it too slowly. */
  onWindowOverdue(slowness: Slowness | null): void;
}

/**
 * The timeouts of one stream: content that does not come, and windows that stay shut. Those of its connection are
 * `downstream/timeouts.ts`. It is among the deadlines only while it waits for something.
 */
export class StreamTimeouts extends Deadline {
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #owner: StreamTimeoutsOwner;
  #contentAt: Instant = never;
  #rateAt: Instant = never;
  #rate: MinimumRate | null = null;
  #windowAt: Instant = never;
  /** Bytes of the response that windows have let pass, and the rate of that. */
  sentBytes = 0;
  #windowRate: MinimumRate | null = null;
  #windowRateAt: Instant = never;

  constructor(limits: ClientLimits, clock: Clock, deadlines: Deadlines, owner: StreamTimeoutsOwner) {
    super();
    this.#limits = limits;
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#owner = owner;
  }

  /** The gateway waits for content; called at each part of it. `hasRate`: also for a minimum rate. */
  awaitContent(hasRate: boolean): void {
    const now = this.#clock.now();
    const { contentMs, contentRateMin, rateGraceMs } = this.#limits;
    this.#contentAt = after(now, contentMs);
    if (hasRate && contentRateMin > 0) {
      this.#rate ??= new MinimumRate(contentRateMin, rateGraceMs, contentMs, this.#owner.contentReceived);
      this.#rate.start(now);
      this.#rateAt = this.#rate.dueAt(now);
    } else this.#rateAt = never;
    this.#arm();
  }

  /** The gateway does not wait for content at the moment. */
  stopContent(): void {
    if (this.#contentAt === never) return;
    this.#contentAt = this.#rateAt = never;
    this.#rate?.stop(this.#clock.now(), this.#owner.contentReceived);
    this.#arm();
  }

  /** A part of the response waits for the client's window; called again when a part of it has left. */
  awaitWindow(): void {
    const now = this.#clock.now();
    const { writeMs, writeRateMin, rateGraceMs } = this.#limits;
    this.#windowAt = after(now, writeMs);
    if (writeRateMin > 0) {
      this.#windowRate ??= new MinimumRate(writeRateMin, rateGraceMs, writeMs, this.sentBytes);
      this.#windowRate.start(now);
      this.#windowRateAt = this.#windowRate.dueAt(now);
    }
    this.#arm();
  }

  stopWindow(): void {
    if (this.#windowAt === never) return;
    this.#windowAt = this.#windowRateAt = never;
    this.#windowRate?.stop(this.#clock.now(), this.sentBytes);
    this.#arm();
  }

  /** The stream has ended. */
  stop(): void {
    this.#deadlines.remove(this);
  }

  #arm(): void {
    this.at = Math.min(this.#contentAt, this.#rateAt, this.#windowAt, this.#windowRateAt) as Instant;
    if (this.at !== never && this.index < 0) this.#deadlines.add(this);
  }

  override onExpired(now: Instant): void {
    if (this.#rateAt <= now) this.#judgeRate(now, this.#rate as MinimumRate);
    else if (this.#contentAt <= now) this.#overdueContent(null);
    else if (this.#windowRateAt <= now) this.#judgeWindowRate(now, this.#windowRate as MinimumRate);
    else this.#overdueWindow(null);
  }

  #judgeRate(now: Instant, rate: MinimumRate): void {
    if (rate.isTooSlow(now, this.#owner.contentReceived))
      return this.#overdueContent(slownessOf(rate, this.#limits.contentRateMin));
    this.#rateAt = rate.dueAt(now);
    this.#arm();
  }

  #overdueContent(slowness: Slowness | null): void {
    this.#contentAt = this.#rateAt = never;
    this.#arm();
    this.#owner.onContentOverdue(slowness);
  }

  #judgeWindowRate(now: Instant, rate: MinimumRate): void {
    if (rate.isTooSlow(now, this.sentBytes)) return this.#overdueWindow(slownessOf(rate, this.#limits.writeRateMin));
    this.#windowRateAt = rate.dueAt(now);
    this.#arm();
  }

  #overdueWindow(slowness: Slowness | null): void {
    this.#windowAt = this.#windowRateAt = never;
    this.#arm();
    this.#owner.onWindowOverdue(slowness);
  }
}

function slownessOf({ bytesPerS, overMs }: MinimumRate, bytesPerSMin: number): Slowness {
  return { bytesPerS, overMs, bytesPerSMin };
}
