/** Requests of one route in some seconds, and how many of them were retries of clients after a failure. */
export interface RetriedRoute {
  readonly route: string;
  readonly requestsPerS: number;
  readonly retriesPerS: number;
  /** Requests each second before; null: not known. */
  readonly usualPerS: number | null;
}

/** What is known of the retries of clients in an incident. */
export interface IncidentRetries {
  /** Where they have made most of the load: now, or else earlier in the incident. Null: they have not. */
  readonly worst: RetriedRoute | null;
  readonly isNow: boolean;
  /** They had made it before the first failure of the incident. */
  readonly beganIt: boolean;
  /** Of all its requests, from 0 to 1. */
  readonly share: number;
}

/** Fewer are no burden. */
const shareMin = 0.2;
const growthTimesMin = 1.3;
const growthMin = 5;

/** Of what came more than before, so much are retries; else it has grown by itself. */
const ofGrowthMin = 0.5;

/** Whether a route has clearly more requests than before, which are retries for the most part. Who polls, and asks again anyway, adds none. */
export function isGrownByRetries({ requestsPerS, retriesPerS, usualPerS }: RetriedRoute): boolean {
  if (usualPerS === null || retriesPerS < shareMin * requestsPerS) return false;
  const growth = requestsPerS - usualPerS;
  return growth >= growthMin && requestsPerS >= growthTimesMin * usualPerS && retriesPerS >= ofGrowthMin * growth;
}

export const retriedShare = ({ requestsPerS, retriesPerS }: RetriedRoute): number =>
  retriesPerS / Math.max(requestsPerS, retriesPerS);
