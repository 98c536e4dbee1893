import type { Result } from '../../core/result.ts';
import { succeed } from '../../core/result.ts';
import type { Objection } from '../objection.ts';
import { object } from '../objection.ts';

/** `sha256:` and 64 hexadecimal digits, as `candor token` prints it. What is written is not repeated: it may be the token. */
export function parseTokenHash(text: string): Result<string, Objection> {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return succeed(text);
  return object(
    'a token is kept as its hash: sha256: and 64 hexadecimal digits',
    'make a token with candor token, and write the hash that it prints',
  );
}
