/** How long retries wait. In milliseconds. */
interface BackoffSettings {
  /** The longest wait before the first retry that waits; it doubles with each further retry. */
  readonly baseMs: number;
  readonly maxMs: number;
}

export interface BackoffFacts {
  /** Attempts that were made: 1 before the first retry. */
  readonly attemptsMade: number;
  /** The retry goes to an endpoint that has not been tried, or a fresh connection takes the place of a stale one. */
  readonly elsewhere: boolean;
  /** What the endpoint asked for by Retry-After; null: it did not. */
  readonly retryAfterMs: number | null;
  /** Uniform in [0, 1). */
  readonly random: number;
}

/**
 * Exponential backoff with full jitter: a time drawn from all of it, so that requests that failed at the same moment do not come back
 * at the same moment. The first retry at another endpoint is sent at once. Retry-After is a floor, to which the jitter is added.
 */
export function backoffMs({ baseMs, maxMs }: BackoffSettings, facts: BackoffFacts): number {
  const { attemptsMade, elsewhere, retryAfterMs, random } = facts;
  const longestMs = Math.min(maxMs, baseMs * 2 ** (attemptsMade - 1));
  if (retryAfterMs !== null) return retryAfterMs + longestMs * random;
  return attemptsMade === 1 && elsewhere ? 0 : longestMs * random;
}

/**
 * The value of Retry-After (RFC 9110 §10.2.3) in milliseconds: seconds or a date, which is compared with the `Date` of the same
 * response, so that the clocks of both sides need not agree. Null: there is none, or it cannot be parsed.
 */
export function parseRetryAfter(value: string | null, date: string | null, wallTime: number): number | null {
  const text = value?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = httpDateOf(text);
  return at === null ? null : Math.max(0, at - (httpDateOf(date?.trim() ?? '') ?? wallTime));
}

/** `Date.parse` takes nearly anything, a number included. The form without GMT, asctime's, is obsolete and not read (RFC 9110 §5.6.7). */
function httpDateOf(text: string): number | null {
  const at = /^[A-Z][a-z]+, .+ GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
