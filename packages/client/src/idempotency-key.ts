import type { ClientRandom } from './client-clock.ts';
import type { IdempotencyOptions } from './retry-options.ts';

/** Whether the origin is known to execute a request once per key (draft-ietf-httpapi-idempotency-key-header). */
export function honoursKeys({ honouredBy = [] }: IdempotencyOptions, url: URL): boolean {
  return typeof honouredBy === 'function'
    ? honouredBy(url)
    : honouredBy.some((one) => new URL(one).origin === url.origin);
}

/** The header for a request that has none; null: it gets none. */
export function keyFor(options: IdempotencyOptions, random: ClientRandom, method: string, url: URL): string | null {
  const { makeKeys = 'honoured', key = () => randomKey(random) } = options;
  const isWanted = makeKeys === 'always' || (makeKeys === 'honoured' && honoursKeys(options, url));
  return isWanted && /^(POST|PATCH)$/.test(method) ? asHeader(key()) : null;
}

/** The header is a String of RFC 9651, in quotes. */
export function asHeader(key: string): string {
  return /^".*"$/.test(key) ? key : `"${key.replace(/["\\]/g, '\\$&')}"`;
}

/** 128 random bits: `crypto.randomUUID` exists only in secure contexts, and could not be replayed. */
export function randomKey(random: ClientRandom): string {
  const bytes = new Uint8Array(16);
  random.fill(bytes);
  return Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join('');
}
