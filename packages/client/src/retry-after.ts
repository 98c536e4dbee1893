/** Headers by name, whatever object has them. */
export type HeaderReader = (name: string) => string | null;

/**
 * How long a response asks to wait, in milliseconds: Retry-After (RFC 9110 §10.2.3), or without it the RateLimit of
 * draft-ietf-httpapi-ratelimit-headers-10 and of its older forms. Null: it asks for nothing that can be understood.
 */
export function waitAskedBy(header: HeaderReader, wallTime: number): number | null {
  return readRetryAfter(header('retry-after'), header('date'), wallTime) ?? readRateLimit(header);
}

/** A date is compared with the response's own Date, so that the clocks of client and server need not agree. */
function readRetryAfter(value: string | null, date: string | null, wallTime: number): number | null {
  const text = value?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  const at = readHttpDate(text);
  return at === null ? null : Math.max(0, at - (readHttpDate(date ?? '') ?? wallTime));
}

/** RFC 9110 §5.6.7: the preferred form, or one of the two obsolete ones, of which one has no zone and means GMT. */
function readHttpDate(text: string): number | null {
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return null;
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(at) ? null : at;
}

/** The longest time of a quota of which nothing remains. */
function readRateLimit(header: HeaderReader): number | null {
  // Names of quotas are Strings, and could have anything in them. A partition key is base64, without any of these characters.
  const items = (header('ratelimit') ?? '').replace(/"(?:[^"\\]|\\.)*"/g, '');
  let longest = -1;
  for (const item of items.split(',')) {
    const seconds = /; *r=0(?:\.0+)?(?![\d.])/.test(item) ? /; *t=(\d+)/.exec(item) : null;
    if (seconds !== null) longest = Math.max(longest, Number(seconds[1]));
  }
  // Draft 7 had one dictionary, draft 6 a header for each number.
  if (longest < 0 && /\bremaining=0(?!\d)/.test(items)) longest = Number(/\breset=(\d+)/.exec(items)?.[1] ?? -1);
  if (longest < 0 && header('ratelimit-remaining')?.trim() === '0')
    longest = Number(/^\s*(\d+)/.exec(header('ratelimit-reset') ?? '')?.[1] ?? -1);
  return longest < 0 ? null : longest * 1000;
}
