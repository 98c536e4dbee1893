import { after, type Instant } from '../core/time.ts';
import type { AttemptOutcomes } from './outlier-detection.ts';

/** Long enough for ten requests of a quiet site. */
const windowMs = 30_000;
const sliceMs = 3000;

/** Fewer requests than this may be luck. */
const requestsMin = 10;

/** An endpoint that fails more often is not well, whatever its check is wrong about. */
const failureShareMax = 0.05;

export interface TrafficFigures {
  readonly requests: number;
  readonly failures: number;
  readonly windowMs: number;
}

/** How the requests of an endpoint went in the last half minute. Responses with a 5xx status went badly: a check may have said so first. */
export class RecentTraffic {
  #slices: { readonly began: Instant; requests: number; failures: number }[] = [];

  add(
    { successes, failures, serverErrors }: Pick<AttemptOutcomes, 'successes' | 'failures' | 'serverErrors'>,
    now: Instant,
  ): void {
    let slice = this.#slices.at(-1);
    if (slice === undefined || now - slice.began >= sliceMs) {
      slice = { began: now, requests: 0, failures: 0 };
      this.#slices = [...this.#slices.filter(({ began }) => now < after(began, windowMs)), slice];
    }
    slice.requests += successes + failures;
    slice.failures += failures + serverErrors;
  }

  figures(now: Instant): TrafficFigures {
    let [requests, failures] = [0, 0];
    for (const slice of this.#slices) {
      if (now - slice.began >= windowMs) continue;
      requests += slice.requests;
      failures += slice.failures;
    }
    return { requests, failures, windowMs };
  }
}

/** Whether traffic shows that an endpoint works although its checks fail. */
export function isGoodTraffic({ requests, failures }: TrafficFigures): boolean {
  return requests >= requestsMin && failures <= requests * failureShareMax;
}

/** Whether it still does: an endpoint that nobody asks has shown nothing new. */
export function isStillGoodTraffic({ requests, failures }: TrafficFigures): boolean {
  return failures <= requests * failureShareMax;
}
