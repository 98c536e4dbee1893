import type { Instant } from '../core/time.ts';
import type { OutcomesOfClients } from './client-failures.ts';
import type { FailureRateSettings } from './outlier-settings.ts';

/** What attempts at one endpoint came to since the last report, in the order in which they ended. */
export interface AttemptOutcomes extends OutcomesOfClients {
  /** Attempts with a complete response, whatever its status. */
  readonly successes: number;
  /** How many of those had a 5xx status. */
  readonly serverErrors: number;
  /** How many of them had status 429 and Retry-After. */
  readonly rateLimited: number;
  /** The longest time that those asked for. */
  readonly restMs: number;
  /** Attempts whose failure counts against health (`#failures/failure-table.ts`). */
  readonly failures: number;
  /** How many of the latest attempts in a row failed. */
  readonly consecutiveFailures: number;
  /** How many of the latest attempts in a row got no connection. */
  readonly consecutiveUnreachable: number;
}

/** Why traffic contradicts the checks: the figures of an event. */
export interface OutlierEvidence {
  /** One clause, such as "12 of 20 requests within 30 s failed". */
  readonly reason: string;
  readonly requests: number;
  readonly failures: number;
  /** The time that the two figures are about; 0 where a detection counts without a window. */
  readonly windowMs: number;
  readonly consecutiveUnreachable: number;
  /** The endpoint has asked for so long a rest; absent: it has not. */
  readonly restMs?: number;
}

/**
 * Decides from the outcomes of the attempts at one endpoint whether traffic contradicts its checks. It lives while the
 * endpoint is trusted: after an ejection and a probation a new one begins.
 *
 * Main is told by reports of the workers, several times a second, not for each attempt: a message per request would cost
 * more than the request. A detection therefore gets counts.
 */
export interface OutlierDetection {
  /** Attempts have ended. `latencyMs` is the sum over the successes: from the attempt's start to its response head. */
  onAttemptsEnded(outcomes: AttemptOutcomes, latencyMs: number, now: Instant): void;
  /** Null where traffic gives no reason to doubt the checks. `othersAreWell`: the other endpoints of the upstream answer nearly all of their requests. */
  evidence(othersAreWell?: boolean): OutlierEvidence | null;
  /** Whether it remembers a failure. */
  readonly hasFailures: boolean;
}

export type CreateOutlierDetection = (settings: FailureRateSettings) => OutlierDetection;

/** How many of the latest outcomes in a row were of a kind: `latest` of the report, after `before` of those before it. */
export function inRowAfter(before: number, latest: number, { successes, failures }: AttemptOutcomes): number {
  const isAllOfReport = successes === 0 && failures === latest;
  return isAllOfReport ? before + latest : latest;
}

/** The outcomes with responses as failures that count as such. */
export function countedOutcomes(
  outcomes: AttemptOutcomes,
  counted: Pick<FailureRateSettings, 'countsServerErrors' | 'countsRateLimits'> | null,
): AttemptOutcomes {
  const { serverErrors, rateLimited } = outcomes;
  const more = (counted?.countsServerErrors ? serverErrors : 0) + (counted?.countsRateLimits ? rateLimited : 0);
  if (more === 0) return outcomes;
  return { ...outcomes, successes: outcomes.successes - more, failures: outcomes.failures + more };
}
