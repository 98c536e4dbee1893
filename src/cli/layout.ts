import { escapeInvisible } from '#failures/invisible-characters.ts';
import { snakeCased } from '#failures/json-case.ts';

export { countText, durationText, elapsedText } from '#failures/quantity-text.ts';

/** Fits on every terminal, and beside another window. */
export const columnsMax = 80;

/** Columns of a text, without its colours. Wide characters count as one, because addresses and names have none. */
export function widthOf(text: string): number {
  // Loaded here, because many a command measures no text.
  return [...process.getBuiltinModule('node:util').stripVTControlCharacters(text)].length;
}

export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/**
 * ECMA-48 §5.4 and §8.3.89: control sequences, strings such as the title of a window or a link, and the selection of a
 * character set. Each character class ends where a further sequence could begin, so that every character is read a few times
 * at most.
 */
const sequences =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0090-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]+[0-~]/g;

/** Control characters, and invisible ones: direction marks, spaces without width, tags. */
const unseen =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * Removes escape sequences, control characters and invisible characters from a text of another program, before a terminal
 * shows it.
 */
export function harmless(text: string): string {
  return text.replace(sequences, '').replace(unseen, ' ');
}

/** Shortens a plain text to `width` columns; an ellipsis shows that it was shortened. */
export function shorten(text: string, width: number): string {
  // A character has at most two code units, so the beginning of a long text is enough.
  const characters = [...text.slice(0, 2 * width + 2)];
  return characters.length <= width && text.length <= 2 * width + 2
    ? text
    : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** Plain text as lines of at most `columnsMax`, each after `indent`. A longer word gets a line of its own. */
export function wrap(text: string, indent: string): string[] {
  return wrapAfter(indent, text, widthOf(indent));
}

/** As `wrap`, with `label` before the first line and as much space before the others. */
export function wrapAfter(label: string, text: string, labelWidth: number): string[] {
  const space = ' '.repeat(labelWidth);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && labelWidth + widthOf(line) + 1 + widthOf(word) > columnsMax) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  lines.push(line);
  return lines.map((text_, index) => (index === 0 ? padTo(label, labelWidth) : space) + text_);
}

/** Rows as aligned columns, two spaces apart. The last column is not padded. */
export function alignColumns(rows: readonly (readonly string[])[], indent = ''): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
    });
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) => (column === row.length - 1 ? cell : padTo(cell, widths[column] ?? 0)));
    return (indent + cells.join('  ')).trimEnd();
  });
}

/** JSON as commands print it: keys in snake_case, and no byte that a terminal would interpret. */
export function harmlessJson(value: unknown, indent?: number): string {
  return escapeInvisible(JSON.stringify(snakeCased(value), null, indent));
}

/** Prints a result for programs. */
export function printJson(value: unknown, { stdout }: { readonly stdout: { write(text: string): void } }): void {
  stdout.write(`${harmlessJson(value, 2)}\n`);
}
