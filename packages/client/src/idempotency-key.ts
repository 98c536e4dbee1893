import type { ClientRandom } from './client-clock.ts';
import type { IdempotencyOptions } from './retry-options.ts';

/** Which origins execute a request once per key, and the keys for them (draft-ietf-httpapi-idempotency-key-header). */
export class IdempotencyKeys {
  readonly #options: IdempotencyOptions;
  readonly #random: ClientRandom;

  constructor(options: IdempotencyOptions, random: ClientRandom) {
    this.#options = options;
    this.#random = random;
  }

  isHonouredBy(url: URL): boolean {
    const { honouredBy = [] } = this.#options;
    return typeof honouredBy === 'function' ? honouredBy(url) : honouredBy.includes(url.origin);
  }

  /** The header for a request that has none; null: it gets none. */
  headerFor(method: string, url: URL): string | null {
    const { makeKeys = 'honoured', key } = this.#options;
    if (makeKeys === 'never' || !/^(?:POST|PATCH)$/.test(method)) return null;
    if (makeKeys === 'honoured' && !this.isHonouredBy(url)) return null;
    return asHeader(key === undefined ? randomKey(this.#random) : key());
  }
}

/** The header is a String of RFC 9651, in quotes. */
export function asHeader(key: string): string {
  return /^".*"$/.test(key) ? key : `"${key.replace(/["\\]/g, '\\$&')}"`;
}

/** 128 random bits: `crypto.randomUUID` exists only in secure contexts, and could not be replayed. */
function randomKey(random: ClientRandom): string {
  const bytes = new Uint8Array(16);
  random.fill(bytes);
  return Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join('');
}
