import { columnsMax, harmless, shorten, wrapAfter } from './layout.ts';

/** Of a private use, for a space at which a line is not broken. */
const held = '\ue000';

/** Deeper lines leave no room for their text. */
const indentMax = 32;

/**
 * A line that an application has printed, as rows of `columnsMax` after `label`; of a longer text than `charactersMax` its beginning. The line keeps its
 * spaces: a stack trace is read by its indentation, and a mark such as `^^^` by what stands above it.
 */
export function wrapOutput(
  label: string,
  labelWidth: number,
  { before = '', text, charactersMax = Infinity }: { before?: string; text: string; charactersMax?: number },
): string[] {
  const plain = harmless(expandTabs(text));
  const content = indented(charactersMax === Infinity ? plain : shorten(plain, charactersMax));
  const rows = wrapAfter(label, brokenWords(`${harmless(before)}${content}`, columnsMax - labelWidth), labelWidth);
  return rows.map((row) => row.replaceAll(held, ' '));
}

function indented(text: string): string {
  const content = text.trimStart();
  const depth = Math.min(text.length - content.length, indentMax);
  return `${held.repeat(depth)}${content.replaceAll(/ (?= )/g, held)}`;
}

function expandTabs(text: string): string {
  return text.replace(/^[\t ]+/, (space) => space.replaceAll('\t', '    '));
}

/** Words that are longer than a row are broken, such as JSON without spaces. */
function brokenWords(text: string, width: number): string {
  return text.replace(new RegExp(`\\S{${width}}(?=\\S)`, 'g'), '$& ');
}
