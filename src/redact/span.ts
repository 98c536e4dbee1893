/** Replaces removed text. */
export const leftOut = '…';

/** A part of a text, from `start` up to `end`, that must not be shown. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The text with `mark` in place of each span; spans that touch or overlap become one. */
export function replaceSpans(text: string, spans: readonly Span[], replacement: (hidden: string) => string): string {
  if (spans.length === 0) return text;
  const sorted = spans.toSorted((a, b) => a.start - b.start);
  let result = '';
  let at = 0;
  for (let index = 0; index < sorted.length; ) {
    const { start } = sorted[index] as Span;
    let { end } = sorted[index] as Span;
    for (index += 1; index < sorted.length && (sorted[index] as Span).start <= end; index += 1)
      end = Math.max(end, (sorted[index] as Span).end);
    if (end <= start) continue;
    result += text.slice(at, start) + replacement(text.slice(start, end));
    at = end;
  }
  return result + text.slice(at);
}

/**
 * The values after each match of `pattern`. `valueAt` returns the end of the value at a position, null if it is not a value
 * of interest; `isShown` keeps a value. Names are also searched within the values of others, but no character is
 * scanned twice: a value that begins within another ends with it.
 */
export function spansBehind(
  pattern: RegExp,
  text: string,
  valueAt: (found: RegExpExecArray, start: number, known: number) => Span | null,
  isShown: (found: RegExpExecArray, secret: string) => boolean = () => false,
): readonly Span[] {
  const spans: Span[] = [];
  let known = 0;
  pattern.lastIndex = 0;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const value = valueAt(found, pattern.lastIndex, known);
    if (value === null) continue;
    known = value.end;
    if (value.end > value.start && !isShown(found, text.slice(value.start, value.end))) spans.push(value);
  }
  return spans;
}
