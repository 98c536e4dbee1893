import type { ClientLimits } from '../../core/listener-spec.ts';
import { Deadline, type Deadlines } from '../../core/deadline.ts';
import { after, type Clock, type Instant, never } from '../../core/time.ts';
import { MinimumRate } from '../minimum-rate.ts';
import type { Slowness } from '../timeouts.ts';

export interface StreamTimeoutsOwner {
  readonly contentReceived: number;
  /** Bytes of the response that have left. */
  readonly contentSent: number;
  /** As above, of all responses of the connection. */
  readonly allContentSent: number;
  /** A part of the response waits, and for windows alone: the connection takes what is sent to it. */
  readonly awaitsWindow: boolean;
  /** The window of the stream is open: the response waits for that of the connection, which other responses may use up. */
  readonly isOwnWindowOpen: boolean;
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

  /** Content may have come that the gateway has not read: what the client sends from now on is judged anew. */
  forgiveContent(): void {
    this.#rate = null;
  }

  /** The gateway does not wait for content at the moment. */
  stopContent(): void {
    if (this.#contentAt === never) return;
    this.#contentAt = this.#rateAt = never;
    this.#rate?.stop(this.#clock.now(), this.#owner.contentReceived);
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
    const { contentSent, allContentSent, isOwnWindowOpen } = this.#owner;
    this.#taken += isOwnWindowOpen ? allContentSent - this.#allSentBefore : contentSent - this.#sentBefore;
    this.#sentBefore = contentSent;
    this.#allSentBefore = allContentSent;
    return this.#taken;
  }

  /** The stream has ended. */
  stop(): void {
    this.#isStopped = true;
    this.#deadlines.remove(this);
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.at = Math.min(this.#contentAt, this.#rateAt, this.#windowAt, this.#windowRateAt) as Instant;
    if (this.at !== never && this.index < 0) this.#deadlines.add(this);
  }

  override onExpired(now: Instant): void {
    if (this.#rateAt <= now) this.#judgeRate(now, this.#rate as MinimumRate);
    else if (this.#contentAt <= now) this.#overdueContent(null);
    else this.#judgeWindow(now);
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
