import { createHash, timingSafeEqual } from 'node:crypto';
import type { AdminToken } from '../core/configuration.ts';
import type { Random } from '../core/random.ts';

/** Nobody guesses 256 bits, however many they may try; that is why a plain hash of them gives nothing away (ADR 19). */
const secretBytes = 32;
/** So that people, and programs that look for secrets in what is published, know one when they see it. */
const beginning = 'candor_';
/** A token of ours has 50 characters. What is longer is none, and is not worth a hash. */
const charactersMax = 256;

/** A new token, as it is handed to whoever may use the admin API: shown once and kept nowhere. */
export function makeToken(random: Random): string {
  const secret = Buffer.alloc(secretBytes);
  random.fill(secret);
  return `${beginning}${secret.toString('base64url')}`;
}

/** What the configuration keeps of a token: 'sha256:' and 64 hexadecimal digits. */
export function hashOfToken(token: string): string {
  return `sha256:${digestOf(token).toString('hex')}`;
}

/**
 * The name under which the configuration has a token; null where it has it not. Takes the same time whichever of them
 * it is, and however much of one was right.
 */
export function nameOfToken(tokens: readonly AdminToken[], presented: string): string | null {
  if (presented.length > charactersMax) return null;
  const digest = digestOf(presented);
  let found: string | null = null;
  for (const { name, hash } of tokens) {
    const kept = Buffer.from(hash.slice('sha256:'.length), 'hex');
    if (kept.length === digest.length && timingSafeEqual(kept, digest)) found = name;
  }
  return found;
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}
