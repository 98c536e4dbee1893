/** A text and where its lines begin, so that an offset can be named as line and column. */
export interface SourceText {
  readonly text: string;
  /** Offsets, in UTF-16 units. */
  readonly lineStarts: readonly number[];
}

/** Line and column, both from 1; a column counts characters (code points), as editors show them. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
  /** How many characters are meant, at least 1, all on this line. */
  readonly span: number;
}

/** Where nothing in the file is meant, but the file. */
export const wholeFile: SourcePosition = { line: 0, column: 0, span: 0 };

export function sourceText(text: string): SourceText {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { text, lineStarts };
}

/** A line without its ending; empty beyond the last. Lines count from 1. */
export function lineText(source: SourceText, line: number): string {
  const start = source.lineStarts[line - 1];
  if (start === undefined) return '';
  const end = source.lineStarts[line] ?? source.text.length + 1;
  return source.text.slice(start, end - 1).replace(/\r$/, '');
}

/** The place of the text from `start` to `end`, cut at the end of its first line. */
export function positionOf(source: SourceText, start: number, end: number): SourcePosition {
  const offset = Math.max(0, Math.min(start, source.text.length));
  const line = lineAt(source.lineStarts, offset);
  const content = lineText(source, line);
  const from = Math.min(offset - source.lineStarts[line - 1]!, content.length);
  const to = Math.min(Math.max(end, offset) - source.lineStarts[line - 1]!, content.length);
  const span = Math.max(1, [...content.slice(from, to).trimEnd()].length);
  return { line, column: [...content.slice(0, from)].length + 1, span };
}

function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}
