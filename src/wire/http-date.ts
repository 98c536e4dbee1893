let cachedSecond = -1;
let cachedText = '';

/** The Date header's form (RFC 9110 §5.6.7) of a point in time; made once per second. */
export function httpDate(wallTimeMs: number): string {
  const second = Math.floor(wallTimeMs / 1000);
  if (second === cachedSecond) return cachedText;
  cachedSecond = second;
  cachedText = new Date(second * 1000).toUTCString();
  return cachedText;
}
