import type { Span } from './span.ts';

const space = /\s/;

/** Whether a quote at `at` closes text around a value, rather than being a part of the value. */
function closes(text: string, at: number): boolean {
  const next = text[at + 1];
  if (next === undefined || space.test(next) || `,;)]}>:"'\\`.includes(next)) return true;
  // The end of a sentence that quotes: `last line: "password=…".`
  const behind = text[at + 2];
  return '.!?…'.includes(next) && (behind === undefined || space.test(behind));
}

/**
 * The end of an unquoted value that begins at `start`: at white space, at a quote that closes text
 * around it, or where `isEnd` is true. A quote within the value is a part of it, as in passwords.
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
 * The value that begins at `start`: the text between quotes, or up to `bareEnd`.
 */
export function valueAt(text: string, start: number, isEnd: (text: string, at: number) => boolean): Span {
  return quotedValue(text, start) ?? { start, end: bareEnd(text, start, isEnd) };
}

/**
 * The text between the quotes that begin at `start`; null if there are none. The quotes have backslashes before them
 * if the whole text was quoted. Without a closing quote the value reaches to the end.
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

const openings = '[{(<';
const closings = ']})>';

/**
 * The end of an object or a list that begins at `start`; the end of the text if it is not closed there. Null: the value is none.
 */
export function structureEnd(text: string, start: number): number | null {
  if (!openings.includes(text[start] ?? ' ') || text[start] === '(') return null;
  if (text[start] === '<' && !text.startsWith('<Buffer ', start)) return null;
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at] as string;
    if (openings.includes(character)) depth++;
    else if (closings.includes(character) && --depth === 0) return at + 1;
  }
  return text.length;
}
