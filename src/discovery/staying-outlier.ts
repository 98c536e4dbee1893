import { after, type Instant } from '../core/time.ts';

/** So many times as many failures as in the window that was reported are reported again. */
const growth = 10;

/**
 * An outlier that gets requests as before, because too few other endpoints are left. Its failures may be half of its requests now, and fewer a moment
 * later: that is one condition, until nothing has spoken against the endpoint for a while.
 */
export class StayingOutlier {
  #isOutlier = false;
  #lastAt: Instant | null = null;
  #changedAt: Instant | null = null;
  #reportedAt: Instant | null = null;
  /** The most until the window that was reported was over. */
  #failuresBefore = 0;

  /**
   * The endpoint's requests show that it is an outlier. `failures`: of the window, which lasts `overAfterMs`. Returns whether an event is due (`isReport`: it
   * has become one, or its failures have grown tenfold), and whether the status is to show new numbers (`isChange`).
   */
  note(
    failures: number,
    overAfterMs: number,
    now: Instant,
  ): { readonly isReport: boolean; readonly isChange: boolean } {
    const isNew = this.#lastAt === null || now >= after(this.#lastAt, overAfterMs);
    const isFilling = this.#reportedAt !== null && now < after(this.#reportedAt, overAfterMs);
    const isReport = isNew || (!isFilling && failures >= growth * this.#failuresBefore);
    const isChange =
      isReport || !this.#isOutlier || this.#changedAt === null || now >= after(this.#changedAt, overAfterMs);
    this.#isOutlier = true;
    this.#lastAt = now;
    if (isReport) {
      this.#reportedAt = now;
      this.#failuresBefore = Math.max(1, failures);
    } else if (isFilling) this.#failuresBefore = Math.max(this.#failuresBefore, failures);
    if (isChange) this.#changedAt = now;
    return { isReport, isChange };
  }

  /** Traffic agrees with the checks for now. Returns whether it did not before. */
  clear(): boolean {
    const wasOutlier = this.#isOutlier;
    this.#isOutlier = false;
    return wasOutlier;
  }

  /** It stays no longer. */
  end(): void {
    this.#isOutlier = false;
    this.#lastAt = null;
  }

  isOutlier(overAfterMs: number, now: Instant): boolean {
    return this.#isOutlier && this.#lastAt !== null && now < after(this.#lastAt, overAfterMs);
  }
}
