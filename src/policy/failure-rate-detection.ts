import type { Instant } from '../core/time.ts';
import { type AttemptOutcomes, inRowAfter, type OutlierDetection, type OutlierEvidence } from './outlier-detection.ts';
import { defaultFailureRate, type FailureRateSettings } from './outlier-settings.ts';

/** The window in slices, so that old outcomes leave it without being kept one by one. */
interface Slice {
  readonly number: number;
  successes: number;
  failures: number;
}

/** An outlier is an endpoint most of whose requests fail within a window, or to which no connection in a row can be made. */
export class FailureRateDetection implements OutlierDetection {
  readonly #settings: FailureRateSettings;
  #window: Slice[] = [];
  #consecutiveUnreachable = 0;

  constructor(settings: FailureRateSettings = defaultFailureRate) {
    this.#settings = settings;
  }

  get hasFailures(): boolean {
    return this.#window.some(({ failures }) => failures > 0);
  }

  onAttemptsEnded(outcomes: AttemptOutcomes, _latencyMs: number, now: Instant): void {
    const { windowMs, sliceMs } = this.#settings;
    const number = Math.floor(now / sliceMs);
    this.#window = this.#window.filter((slice) => slice.number > number - windowMs / sliceMs);
    let slice = this.#window.at(-1);
    if (slice?.number !== number) {
      slice = { number, successes: 0, failures: 0 };
      this.#window.push(slice);
    }
    slice.successes += outcomes.successes;
    slice.failures += outcomes.failures;
    this.#consecutiveUnreachable = inRowAfter(this.#consecutiveUnreachable, outcomes.consecutiveUnreachable, outcomes);
  }

  evidence(): OutlierEvidence | null {
    const { windowMs, requestsMin, successShareMin, consecutiveUnreachableMax } = this.#settings;
    const failures = this.#window.reduce((sum, slice) => sum + slice.failures, 0);
    const requests = this.#window.reduce((sum, slice) => sum + slice.successes, failures);
    const consecutiveUnreachable = this.#consecutiveUnreachable;
    const mostFail = requests >= requestsMin && (requests - failures) / requests < successShareMin;
    if (!mostFail && consecutiveUnreachable < consecutiveUnreachableMax) return null;
    const reason =
      failures * 2 > requests && requests > consecutiveUnreachable
        ? `${failures} of ${requests} requests within ${windowMs / 1000} s failed`
        : `${consecutiveUnreachable} connections in a row could not be made`;
    return { reason, requests, failures, windowMs, consecutiveUnreachable };
  }
}
