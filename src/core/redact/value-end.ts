import type { Span } from './span.ts';

const space = /\s/;

/** Whether a quote at `at` closes what stands around a value, rather than being a part of it. */
function closes(text: string, at: number): boolean {
  const next = text[at + 1];
  return next === undefined || space.test(next) || `,;)]}>:"'\\`.includes(next);
}

/**
 * Where a value ends that begins at `start` and is not in quotes: at white space, at a quote that closes something
 * around it, or where `isEnd` says so. A quote within it is a part of it: passwords hold such.
 */
export function bareEnd(text: string, start: number, isEnd: (text: string, at: number) => boolean): number {
  let at = start;
  for (; at < text.length; at++) {
    const character = text[at] as string;
    if (space.test(character) || character === '<') break;
    const quote = character === '\\' && /["']/.test(text[at + 1] ?? '') ? at + 1 : at;
    if (`"'\``.includes(text[quote] as string) && closes(text, quote)) break;
    if (isEnd(text, at)) break;
  }
  return at;
}

/**
 * The value that begins at `start`: what stands between quotes, or as far as `bareEnd` goes.
 */
export function valueAt(text: string, start: number, isEnd: (text: string, at: number) => boolean): Span {
  return quotedValue(text, start) ?? { start, end: bareEnd(text, start, isEnd) };
}

/**
 * What stands between the quotes that begin at `start`, without them; null where none begin. Backslashes stand before them
 * where a text has been quoted as a whole. A quote that is never closed reaches to the end.
 */
export function quotedValue(text: string, start: number): Span | null {
  const opening = /^(\\{0,3})(["'`])/.exec(text.slice(start, start + 4));
  if (opening === null) return null;
  const [whole, escapes = '', quote = ''] = opening;
  const from = start + whole.length;
  for (let at = text.indexOf(quote, from); at !== -1; at = text.indexOf(quote, at + 1)) {
    const backslashes = backslashesBefore(text, at, from);
    if (backslashes <= escapes.length) return { start: from, end: at - backslashes };
  }
  return { start: from, end: text.length };
}

function backslashesBefore(text: string, at: number, from: number): number {
  let count = 0;
  while (at - count > from && text[at - count - 1] === '\\') count++;
  return count;
}
