import type { ClientLimits } from '../../core/listener-spec.ts';
import { Deadline, type Deadlines } from '../../core/deadline.ts';
import { after, type Clock, type Instant, never } from '../../core/time.ts';
import { MinimumRate } from '../minimum-rate.ts';
import type { Slowness } from '../timeouts.ts';

export interface StreamTimeoutsOwner {
  readonly bodyReceived: number;
  /** Bytes of the response that have left. */
  readonly bodySent: number;
  /** As above, of all responses of the connection. */
  readonly allBodySent: number;
  /** A part of the response waits, and for windows alone: the connection takes what is sent to it. */
  readonly awaitsWindow: boolean;
  /** The window of the stream is open: the response waits for that of the connection, which other responses may use up. */
  readonly isOwnWindowOpen: boolean;
  /** The client has not sent its body in time, or sends it too slowly. */
  onBodyOverdue(slowness: Slowness | null): void;
  /** The client has opened no window for the response in time, or opens it too slowly. */
  onWindowOverdue(slowness: Slowness | null): void;
}

/**
 * The timeouts of one stream: a body that does not come, and windows that stay shut. Those of its connection are
 * `downstream/timeouts.ts`. It is among the deadlines only while it waits for something.
 */
export class StreamTimeouts extends Deadline {
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #owner: StreamTimeoutsOwner;
  #bodyAt: Instant = never;
  #rateAt: Instant = never;
  #rate: MinimumRate | null = null;
  #windowAt: Instant = never;
  #windowRate: MinimumRate | null = null;
  #windowRateAt: Instant = never;
  /** Bytes that the client has taken, as far as they count for this stream. */
  #taken = 0;
  /** `#taken` when `#windowAt` was set. */
  #takenBefore = 0;
  /** The counts of the owner when `#taken` was last updated. */
  #sentBefore = 0;
  #allSentBefore = 0;
  #isStopped = false;

  constructor(limits: ClientLimits, clock: Clock, deadlines: Deadlines, owner: StreamTimeoutsOwner) {
    super();
    this.#limits = limits;
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#owner = owner;
  }

  /** The gateway waits for a body; called at each part of it. `hasRate`: also for a minimum rate. */
  awaitBody(hasRate: boolean): void {
    const now = this.#clock.now();
    const { bodyMs, bodyRateMin, rateGraceMs } = this.#limits;
    this.#bodyAt = after(now, bodyMs);
    if (hasRate && bodyRateMin > 0) {
      this.#rate ??= new MinimumRate(bodyRateMin, rateGraceMs, bodyMs, this.#owner.bodyReceived);
      this.#rate.start(now);
      this.#rateAt = this.#rate.dueAt(now);
    } else this.#rateAt = never;
    this.#arm();
  }

  /** A body may have come that the gateway has not read: what the client sends from now on is judged anew. */
  forgiveBody(): void {
    this.#rate = null;
  }

  /** The gateway does not wait for a body at the moment. */
  stopBody(): void {
    if (this.#bodyAt === never) return;
    this.#bodyAt = this.#rateAt = never;
    this.#rate?.stop(this.#clock.now(), this.#owner.bodyReceived);
    this.#arm();
  }

  /** A part of the response waits for a window of the client. Whether it leaves is seen at the deadline: no frame costs anything here. */
  awaitWindow(): void {
    if (this.#windowAt !== never) return;
    const now = this.#clock.now();
    const { writeMs, writeRateMin, rateGraceMs } = this.#limits;
    this.#takenBefore = this.#countTaken();
    this.#windowAt = after(now, writeMs);
    if (writeRateMin > 0) {
      this.#windowRate ??= new MinimumRate(writeRateMin, rateGraceMs, writeMs, this.#taken);
      this.#windowRate.start(now);
      this.#windowRateAt = this.#windowRate.dueAt(now);
    }
    this.#arm();
  }

  /** Nothing waits for a window any more. */
  stopWindow(): void {
    if (this.#windowAt === never) return;
    this.#windowAt = this.#windowRateAt = never;
    this.#windowRate?.stop(this.#clock.now(), this.#countTaken());
    this.#arm();
  }

  /**
   * The client is judged by what it takes of this response; while the stream's window is open and that of the connection is shut, by what
   * it takes of all: the others may be sent first.
   */
  #countTaken(): number {
    const { bodySent, allBodySent, isOwnWindowOpen } = this.#owner;
    this.#taken += isOwnWindowOpen ? allBodySent - this.#allSentBefore : bodySent - this.#sentBefore;
    this.#sentBefore = bodySent;
    this.#allSentBefore = allBodySent;
    return this.#taken;
  }

  /** The stream has ended. */
  stop(): void {
    this.#isStopped = true;
    this.#deadlines.remove(this);
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.at = Math.min(this.#bodyAt, this.#rateAt, this.#windowAt, this.#windowRateAt) as Instant;
    if (this.at !== never && this.index < 0) this.#deadlines.add(this);
  }

  override onExpired(now: Instant): void {
    if (this.#rateAt <= now) this.#judgeRate(now, this.#rate as MinimumRate);
    else if (this.#bodyAt <= now) this.#overdueBody(null);
    else this.#judgeWindow(now);
  }

  #judgeRate(now: Instant, rate: MinimumRate): void {
    if (rate.isTooSlow(now, this.#owner.bodyReceived))
      return this.#overdueBody(slownessOf(rate, this.#limits.bodyRateMin));
    this.#rateAt = rate.dueAt(now);
    this.#arm();
  }

  #overdueBody(slowness: Slowness | null): void {
    this.#bodyAt = this.#rateAt = never;
    this.#arm();
    this.#owner.onBodyOverdue(slowness);
  }

  #judgeWindow(now: Instant): void {
    if (!this.#owner.awaitsWindow) return this.#forgiveWindow();
    const taken = this.#countTaken();
    const rate = this.#windowRateAt <= now ? this.#windowRate : null;
    if (rate?.isTooSlow(now, taken) === true) return this.#overdueWindow(slownessOf(rate, this.#limits.writeRateMin));
    if (rate !== null) this.#windowRateAt = rate.dueAt(now);
    if (this.#windowAt <= now) {
      if (taken === this.#takenBefore) return this.#overdueWindow(null);
      this.#takenBefore = taken;
      this.#windowAt = after(now, this.#limits.writeMs);
    }
    this.#arm();
  }

  /** All has been composed, or the connection is full: its own timeouts watch it, and `awaitWindow` follows for what still waits then. */
  #forgiveWindow(): void {
    this.stopWindow();
    this.#windowRate = null;
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
