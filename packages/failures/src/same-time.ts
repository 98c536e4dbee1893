/** An exit and the failure that it causes are observed one after the other. */
const sameTimeMs = 5;

/** Whether two observations that are so far apart are told as of the same time: which one came first says nothing. */
export function isSameTime(ms: number): boolean {
  return Math.abs(ms) < sameTimeMs;
}
