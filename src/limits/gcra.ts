/**
 * The generic cell rate algorithm: a rate with a burst as one number for each key, the time at which everything that the key has used is refilled.
 * It is kept as a 32-bit word that counts units of the policy, so that threads change it by compare-and-exchange.
 */
export interface RatePolicy {
  /** Milliseconds; a whole number of them is the time in which one request is refilled. */
  readonly unitMs: number;
  /** Units that one request uses. */
  readonly interval: number;
  /** Units that a key may have used: `burst` requests. */
  readonly tolerance: number;
}

/** Units in which one request is refilled. A request may come early by one unit. */
const unitsMax = 64;
/** Finer units would make the word wrap within hours. */
const unitsPerMs = 16;
const toleranceMax = 2 ** 24;
/** Threads read the clock at different moments: a word may be ahead by so much of what a late thread takes for the limit. */
const aheadMsMax = 60_000;

export function ratePolicy(requests: number, periodMs: number, burst: number): RatePolicy {
  const intervalMs = periodMs / requests;
  const fine = Math.min(unitsMax, Math.floor(intervalMs * unitsPerMs), Math.floor(toleranceMax / burst));
  const interval = Math.max(1, fine);
  return { unitMs: intervalMs / interval, interval, tolerance: burst * interval };
}

export function unitsAt(nowMs: number, unitMs: number): number {
  return Math.floor(nowMs / unitMs) | 0;
}

/** After how many milliseconds so many units are refilled: the first of them is under way, so that it takes less than a whole one. */
export function refilledAfterMs(units: number, nowMs: number, unitMs: number): number {
  return units <= 0 ? 0 : (Math.floor(nowMs / unitMs) + units) * unitMs - nowMs;
}

/** Units that the key has used and that are not refilled yet. A word that wraps is as old as half a range: nothing is used. */
export function usedUnits(
  word: number,
  now: number,
  { unitMs, tolerance }: Pick<RatePolicy, 'unitMs' | 'tolerance'>,
): number {
  const used = (word - now) | 0;
  return used <= 0 || used > tolerance + Math.min(toleranceMax, Math.ceil(aheadMsMax / unitMs)) ? 0 : used;
}

/** The word after a request of so many units; null: the request is beyond the limit. */
export function charged(word: number, now: number, units: number, policy: RatePolicy): number | null {
  const used = usedUnits(word, now, policy);
  return used + units > policy.tolerance ? null : (now + used + units) | 0;
}
