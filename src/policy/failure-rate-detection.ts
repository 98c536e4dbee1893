import type { Instant } from '../core/time.ts';
import { excessOfOneClient, OutcomeClients } from './client-failures.ts';
import { type AttemptOutcomes, inRowAfter, type OutlierDetection, type OutlierEvidence } from './outlier-detection.ts';
import { defaultFailureRate, type FailureRateSettings } from './outlier-settings.ts';

/** The window in slices, so that old outcomes leave it without being kept one by one. */
interface Slice {
  readonly number: number;
  requests: number;
  failures: number;
  /** Failures only over the whole window: an application that answers is there, and may be right. */
  serverErrors: number;
  readonly clients: OutcomeClients;
  readonly errorClients: OutcomeClients;
}

/**
 * An outlier is an endpoint most of whose requests fail, within the window or within a newer part of it that has enough of them, or one at
 * which many in a row fail. Failures of one client count at most as much as those of all others, where others are answered. The newer parts make a busy endpoint that fails from one moment to the next an outlier within a second: the
 * whole window would take half of its length.
 */
export class FailureRateDetection implements OutlierDetection {
  readonly #settings: FailureRateSettings;
  readonly #counted: 'requests' | 'attempts';
  #window: Slice[] = [];
  #consecutiveFailures = 0;
  #consecutiveUnreachable = 0;
  /** When the first report of the present row of failures came, and the latest one. */
  #rowBegan: Instant | null = null;
  #rowLatest: Instant | null = null;
  #restMs = 0;

  /** `counted`: what the outcomes are of, for the reason. */
  constructor(settings: FailureRateSettings = defaultFailureRate, counted: 'requests' | 'attempts' = 'requests') {
    this.#settings = settings;
    this.#counted = counted;
  }

  get hasFailures(): boolean {
    return this.#window.some(({ failures, serverErrors }) => failures + serverErrors > 0);
  }

  onAttemptsEnded(outcomes: AttemptOutcomes, _latencyMs: number, now: Instant): void {
    const { countsServerErrors, countsRateLimits } = this.#settings;
    const slice = this.#sliceAt(now);
    slice.requests += outcomes.successes + outcomes.failures;
    slice.failures += outcomes.failures;
    slice.clients.add(outcomes);
    if (countsServerErrors) {
      slice.serverErrors += outcomes.serverErrors;
      slice.errorClients.add({ failedClients: outcomes.errorClients ?? null });
    }
    if (countsRateLimits) {
      slice.failures += outcomes.rateLimited;
      this.#restMs = Math.max(outcomes.restMs, this.hasFailures ? this.#restMs : 0);
    }
    const rowGoesOn = outcomes.successes === 0 && this.#consecutiveFailures > 0;
    this.#consecutiveFailures = inRowAfter(this.#consecutiveFailures, outcomes.consecutiveFailures, outcomes);
    if (outcomes.failures > 0) this.#rowLatest = now;
    if (!rowGoesOn) this.#rowBegan = now;
    this.#consecutiveUnreachable = inRowAfter(this.#consecutiveUnreachable, outcomes.consecutiveUnreachable, outcomes);
  }

  #sliceAt(now: Instant): Slice {
    const { windowMs, sliceMs } = this.#settings;
    const number = Math.floor(now / sliceMs);
    if (this.#window[0] !== undefined && this.#window[0].number <= number - windowMs / sliceMs) {
      this.#window = this.#window.filter((slice) => slice.number > number - windowMs / sliceMs);
    }
    const newest = this.#window.at(-1);
    if (newest?.number === number) return newest;
    const slice = {
      ...{ number, requests: 0, failures: 0, serverErrors: 0 },
      ...{ clients: new OutcomeClients(), errorClients: new OutcomeClients() },
    };
    this.#window.push(slice);
    return slice;
  }

  evidence(othersAreWell = false): OutlierEvidence | null {
    if (!this.hasFailures) return null;
    const { consecutiveUnreachableMax } = this.#settings;
    const consecutiveFailuresMax = this.#inRowMax(othersAreWell);
    const part = this.#failingPart(this.#successShareMin(othersAreWell));
    const consecutiveUnreachable = this.#consecutiveUnreachable;
    const inRow = this.#consecutiveFailures;
    const isRow = inRow >= consecutiveFailuresMax && inRow - this.#excessInRow() >= consecutiveFailuresMax;
    if (part === null && !isRow && consecutiveUnreachable < consecutiveUnreachableMax) return null;
    const { windowMs, requests, failures } = part ?? this.#whole();
    const figures = { requests, failures, windowMs, consecutiveUnreachable, ...this.#rest };
    const isMostly = failures * 2 > requests && requests > consecutiveUnreachable;
    if (part !== null || isMostly) {
      return {
        ...figures,
        reason: `${failures} of ${requests} ${this.#counted} within ${secondsText(windowMs)} failed`,
      };
    }
    if (consecutiveUnreachable < consecutiveUnreachableMax)
      return { ...figures, reason: `${inRow} ${this.#counted} in a row failed` };
    return { ...figures, reason: `${consecutiveUnreachable} connections in a row could not be made` };
  }

  /**
   * A balancer that avoids failures asks a failing endpoint less than once a second, if the requests may not be repeated: ten failures in a row take it
   * a quarter of a minute. Half of them suffice where the other endpoints answer. They must not be those of one moment: that is how a process ends.
   */
  #inRowMax(othersAreWell: boolean): number {
    const { consecutiveFailuresMax: most } = this.#settings;
    const lastedMs = (this.#rowLatest ?? 0) - (this.#rowBegan ?? 0);
    return othersAreWell && lastedMs >= rowLastsMs ? Math.ceil(most / 2) : most;
  }

  /**
   * An endpoint that resets used connections, and answers on fresh ones, fails half of its requests and no more: whether more than half had failed
   * was chance. Two thirds of the share suffice where the other endpoints answer.
   */
  #successShareMin(othersAreWell: boolean): number {
    const { successShareMin: least } = this.#settings;
    return othersAreWell ? 1 - ((1 - least) * 2) / 3 : least;
  }

  get #rest(): Pick<OutlierEvidence, 'restMs'> {
    return this.#restMs > 0 ? { restMs: this.#restMs } : {};
  }

  #whole(): PartOfWindow {
    const { windowMs } = this.#settings;
    const sum = (of: (slice: Slice) => number): number => this.#window.reduce((before, slice) => before + of(slice), 0);
    return {
      windowMs,
      requests: sum(({ requests }) => requests),
      failures: sum(({ failures, serverErrors }) => failures + serverErrors),
    };
  }

  /** The whole window or the longest newer part of it in which fewer requests succeeded than this share; null where there is none. */
  #failingPart(successShareMin: number): PartOfWindow | null {
    const { sliceMs } = this.#settings;
    const whole = this.#whole();
    if (this.#isFailing(whole, successShareMin, this.#window, true)) return whole;
    let found: PartOfWindow | null = null;
    let [requests, failures] = [0, 0];
    const newest = this.#window.at(-1)?.number ?? 0;
    const slices: Slice[] = [];
    for (const slice of this.#window.toReversed()) {
      slices.push(slice);
      requests += slice.requests;
      failures += slice.failures;
      const part = { windowMs: (newest - slice.number + 1) * sliceMs, requests, failures };
      if (this.#isFailing(part, successShareMin, slices)) found = part;
    }
    return found;
  }

  /** `slices`: of the part. `withErrors`: its failures include responses with 5xx. */
  #isFailing(
    { requests, failures }: PartOfWindow,
    successShareMin: number,
    slices: readonly Slice[],
    withErrors = false,
  ): boolean {
    const isMany = (excess: number): boolean => {
      const all = requests - excess;
      return all >= this.#settings.requestsMin && (requests - failures) / all < successShareMin;
    };
    return isMany(0) && isMany(this.#excess(failures, slices, withErrors));
  }

  #excess(failures: number, slices: readonly Slice[], withErrors = false): number {
    const failing = slices.flatMap(({ clients, errorClients }) => (withErrors ? [clients, errorClients] : [clients]));
    return excessOfOneClient(
      failures,
      failing,
      this.#window.map(({ clients }) => clients),
    );
  }

  /** Of the failures since the present row began. */
  #excessInRow(): number {
    const first = Math.floor((this.#rowBegan ?? 0) / this.#settings.sliceMs);
    const slices = this.#window.filter(({ number }) => number >= first);
    return this.#excess(
      slices.reduce((sum, { failures }) => sum + failures, 0),
      slices,
    );
  }
}

/** A row of failures that lasts so long has more than one cause in time. */
const rowLastsMs = 1000;

type PartOfWindow = Pick<OutlierEvidence, 'windowMs' | 'requests' | 'failures'>;

function secondsText(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
