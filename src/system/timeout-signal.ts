/** With a longer delay Node's timer fires at once. */
const timeoutMaxMs = 2 ** 31 - 1;

/**
 * Aborts after a time, for Node's HTTP client. `AbortSignal.timeout` throws on parts of a millisecond, which the difference of two instants has.
 * Its timer does not keep the process alive.
 */
export function timeoutSignal(ms: number): AbortSignal {
  return AbortSignal.timeout(Math.min(timeoutMaxMs, Math.max(1, Math.ceil(ms))));
}
