import type { Result } from '#failures/result.ts';
import { failWith, succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';

/** What is written is not repeated: it may be the token. */
export const hashError: ErrorDetail = {
  message: 'a token is kept as its hash: sha256: and 64 hexadecimal digits',
  suggestion: 'make a token with candor token, and write the hash that it prints',
};

/** `sha256:` and 64 hexadecimal digits, as `candor token` prints it. */
export function parseTokenHash(text: string): Result<string, ErrorDetail> {
  return /^sha256:[0-9a-f]{64}$/.test(text) ? succeed(text) : failWith(hashError);
}
