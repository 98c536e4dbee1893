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
    return asHeader(key === undefined ? uuid(this.#random) : key());
  }
}

/** The header is a String of RFC 9651, in quotes. */
export function asHeader(key: string): string {
  return /^".*"$/.test(key) ? key : `"${key.replace(/["\\]/g, '\\$&')}"`;
}

/** `crypto.randomUUID` exists only in secure contexts, and could not be replayed. */
function uuid(random: ClientRandom): string {
  const bytes = new Uint8Array(16);
  random.fill(bytes);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
