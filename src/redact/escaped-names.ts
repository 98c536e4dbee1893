import { type ColonMeans, namedValueSpans } from './named-values.ts';
import type { Span } from './span.ts';

/** A letter, digit or `_` as an escape of a URL or of JSON: the structure of a text is never decoded. */
const escape = /%([2-7][\da-f])|\\u00([2-7][\da-f])/gi;
const mayBeEscaped = /%[2-7][\da-f]|\\u00/i;

/** Finds values whose name is written with escapes: `p%61ssword=…`, `"\u0070assword": "…"`. */
export function escapedNameSpans(text: string, colonMeans: ColonMeans): readonly Span[] {
  if (!mayBeEscaped.test(text)) return [];
  const positions: number[] = [];
  let decoded = '';
  const copy = (from: number, to: number): void => {
    for (let at = from; at < to; at++) positions.push(at);
    decoded += text.slice(from, to);
  };
  let copied = 0;
  for (const { index, 0: whole, 1: percent, 2: unicode } of text.matchAll(escape)) {
    const character = String.fromCharCode(Number.parseInt(percent ?? unicode ?? '', 16));
    if (!/\w/.test(character)) continue;
    copy(copied, index);
    positions.push(index);
    decoded += character;
    copied = index + whole.length;
  }
  if (copied === 0) return [];
  copy(copied, text.length);
  positions.push(text.length);
  const positionOf = (at: number): number => positions[at] ?? text.length;
  return namedValueSpans(decoded, colonMeans).map(({ start, end }) => ({
    start: positionOf(start),
    end: positionOf(end),
  }));
}
