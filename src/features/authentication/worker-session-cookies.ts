import type { FilterContext, FilterResponseHead } from '../../core/filter.ts';

/** Adds the cookies of a session to a response. RFC 9111 §7.3: a cache that gave the response to others would give them the session. */
export function addSessionCookies(head: FilterResponseHead, lines: readonly string[]): void {
  if (lines.length === 0) return;
  for (const line of lines) head.add('Set-Cookie', line);
  if (!/\b(?:private|no-store)\b/i.test(head.get('Cache-Control') ?? ''))
    head.set('Cache-Control', 'private, no-cache');
}

/** The session has changed, also where the request fails: the browser would go on with the one before. */
export function addSessionCookiesToFailure(exchange: FilterContext, lines: readonly string[]): void {
  for (const line of lines) exchange.addFailureHeader('Set-Cookie', line);
}
