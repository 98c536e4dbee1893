/** How long a Retry-After header asks to wait (RFC 9110 §10.2.3), from a wall-clock time on; null where it says nothing usable. */
export function retryAfterMsOf(written: string, wallMs: number): number | null {
  if (/^\d{1,9}$/.test(written)) return Number(written) * 1000;
  const date = /^[A-Za-z]{3,9},? /.test(written) ? Date.parse(written) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - wallMs);
}
