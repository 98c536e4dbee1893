import { createHash, timingSafeEqual } from 'node:crypto';
import type { AdminToken } from '../core/configuration.ts';
import type { Random } from '../core/random.ts';

/** 256 random bits cannot be guessed, so a plain hash of them is safe to store (ADR 19). */
const secretBytes = 32;
/** A prefix by which people and secret scanners recognize a token. */
const beginning = 'candor_';
/** A valid token has 50 characters. A longer text than this is refused without hashing it. */
const charactersMax = 256;

/** A new token for a user of the admin API: shown once and stored nowhere. */
export function makeToken(random: Random): string {
  const secret = Buffer.alloc(secretBytes);
  random.fill(secret);
  return `${beginning}${secret.toString('base64url')}`;
}

/** The form of a token in the configuration: 'sha256:' and 64 hexadecimal digits. */
export function hashOfToken(token: string): string {
  return `sha256:${digestOf(token).toString('hex')}`;
}

/**
 * The name of a token in the configuration; null if it has no such token. Takes the same time whichever token
 * it is, and however much of its hash matches.
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
