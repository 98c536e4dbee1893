import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { compilePattern } from '../../core/pattern.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { reject } from '../error-detail.ts';

/** A regular expression in the syntax of RE2. */
export function parsePattern(text: string): Result<string, ErrorDetail> {
  if (text === '') return reject('the regular expression is empty', 'write one, such as ^/users/[0-9]+$');
  const compiled = compilePattern(text);
  if (compiled.ok) return succeed(text);
  const isForeign = /unsupported Perl syntax|invalid escape sequence/.test(compiled.failure);
  const instead = 'it has the syntax of RE2 (Go), without look-ahead, look-behind and back-references';
  return reject(`the regular expression is wrong: ${compiled.failure}`, isForeign ? instead : null);
}
