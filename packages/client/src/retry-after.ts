/** Headers by name, whatever object has them. */
type HeaderReader = (name: string) => string | null;

/**
 * How long a response asks to wait, in milliseconds: Retry-After (RFC 9110 §10.2.3), or without it the RateLimit of
 * draft-ietf-httpapi-ratelimit-headers-10 and of its older forms. Null: it asks for nothing that can be understood.
 */
export function waitAskedBy(header: HeaderReader, wallTime: number): number | null {
  // A date is compared with the response's own Date, so that the clocks of client and server need not agree.
  const own = readHttpDate(header('date') ?? '') ?? wallTime;
  // Two headers come joined by a comma, and dates have one of their own.
  const items = (header('retry-after') ?? '').split(/,(?! *\d\d[ -])/);
  const waits = items.map((item) => {
    const text = item.trim();
    if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
    const at = readHttpDate(text);
    return at === null ? -1 : Math.max(0, at - own);
  });
  return longest(waits) ?? readRateLimit(header);
}

/** Null if all are negative. */
function longest(waits: readonly number[]): number | null {
  const ms = Math.max(...waits);
  return ms < 0 ? null : ms;
}

/** Null: no date of HTTP (RFC 9110 §5.6.7). The oldest of its forms has no zone, and means GMT. */
function readHttpDate(text: string): number | null {
  const at = Date.parse(/^[A-Z]/.test(text) ? text.replace(/( GMT)?$/, ' GMT') : '');
  return at >= 0 ? at : null;
}

/** The longest time of a quota of which nothing remains. */
function readRateLimit(header: HeaderReader): number | null {
  // Names of quotas are Strings, and could have anything in them. A partition key is base64, without any of these characters.
  const items = (header('ratelimit') ?? '').replace(/"([^"\\]|\\.)*"?/g, '').split(',');
  const waits = items.map((item) => (/; *r=0(?![\d.])/.test(item) ? /; *t=(\d+)/.exec(item)?.[1] : null));
  // Draft 6 has a header for each number.
  if (header('ratelimit-remaining')?.trim() === '0') waits.push(/\d+/.exec(header('ratelimit-reset') ?? '')?.[0]);
  return longest(waits.map((wait) => Number(wait ?? -1) * 1000));
}
