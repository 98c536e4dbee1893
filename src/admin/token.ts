import { createHash, timingSafeEqual } from 'node:crypto';
import type { AdminToken } from '../core/configuration.ts';
import type { Random } from '../core/random.ts';

/** 256 random bits cannot be guessed, so a plain hash of them is safe to store (ADR 30). */
const secretBytes = 32;
/** A prefix by which people and secret scanners recognize a token. */
const beginning = 'candor_';
/** A valid token has 50 characters. A longer text than this is refused without hashing it. */
const charactersMax = 256;

/** A new token for a user of the admin API: shown once and stored nowhere. */
export function makeToken(random: Random): string {
  return `${beginning}${makeSecret(random)}`;
}

/** As unguessable as a token: for a session or a link. */
export function makeSecret(random: Random): string {
  const secret = Buffer.alloc(secretBytes);
  random.fill(secret);
  return secret.toString('base64url');
}

/** The form of a token in the configuration: 'sha256:' and 64 hexadecimal digits. */
export function hashOfToken(token: string): string {
  return `sha256:${digestOf(token).toString('hex')}`;
}

/**
 * The token of the configuration with this secret; null if it has no such token. Takes the same time whichever token
 * it is, and however much of its hash matches.
 */
export function findToken(tokens: readonly AdminToken[], presented: string): AdminToken | null {
  if (presented.length > charactersMax) return null;
  const digest = digestOf(presented);
  let found: AdminToken | null = null;
  for (const token of tokens) {
    const kept = Buffer.from(token.hash.slice('sha256:'.length), 'hex');
    if (kept.length === digest.length && timingSafeEqual(kept, digest)) found = token;
  }
  return found;
}

export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}
