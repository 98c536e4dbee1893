import { failWith } from '#failures/result.ts';
import { hideTokens } from './hide-secrets.ts';

/** What is wrong with a written value, without its place: a phrase, and a phrase on what to write instead. */
export interface ErrorDetail {
  readonly message: string;
  readonly suggestion: string | null;
}

export function reject(
  message: string,
  suggestion: string | null = null,
): { readonly ok: false; readonly failure: ErrorDetail } {
  return failWith({ message, suggestion });
}

/** Characters of a value in a sentence. */
export const quotedMax = 60;

/** A value from the file as it may be shown: in quotes, on one line, at most `quotedMax` characters. */
export function quoted(value: unknown): string {
  // Before it is cut, since half a token would not be known for one.
  const text = hideTokens(plainText(value));
  const points = [...text];
  const short = points.length > quotedMax ? `${points.slice(0, quotedMax - 1).join('')}…` : text;
  return JSON.stringify(short);
}

/** A scalar as it would be written. */
export function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint'
    ? value.toString()
    : (JSON.stringify(value) ?? 'nothing');
}

/** `a`, `a or b`, `a, b or c`. */
export function orList(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
