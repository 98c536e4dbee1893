import { outputGroups } from '../core/output-groups.ts';
import { leftOutTexts, streamWords } from '../core/output-line.ts';
import type { OutputLineJson, RequestContextJson } from '../core/schemas/output.ts';
import { countText } from '#failures/quantity-text.ts';
import { clockTime, timeWidth } from './event-lines.ts';
import { columnsMax, shorten, harmless, wrapAfter } from './layout.ts';
import type { Style } from './style.ts';

/** `--json` prints the whole line. */
const rowsMax = 4;

/** '12:00:04 err shop/1  Error: no database', in up to four rows of 80 columns. */
export function outputRows(line: OutputLineJson, style: Style): string[] {
  const { at, stream, application, instance, text, left_out: leftOut } = line;
  const rows = leftOut > 0 ? [leftOutRow(line, style)] : [];
  if (text === '') return rows;
  const word = streamWords[stream];
  const tone = stream === 'stderr' ? style.warn : style.dim;
  const label = `${style.dim(clockTime(Date.parse(at)))} ${tone(word)} `;
  const room = rowsMax * (columnsMax - timeWidth - word.length - 2);
  const before = `${instance ?? application} `;
  const wrapped = wrapOutput(label, timeWidth + word.length + 1, { before, text, charactersMax: room });
  return [...rows, ...cutRows(wrapped)];
}

/** Rows that end with a space before a long word leave less room than was counted. */
function cutRows(rows: readonly string[]): readonly string[] {
  const shown = rows.slice(0, rowsMax);
  const last = shown.at(-1);
  return rows.length === shown.length || last === undefined
    ? shown
    : [...shown.slice(0, -1), shorten(`${last}……`, Math.min(columnsMax, last.length + 1))];
}

function leftOutRow(line: OutputLineJson, style: Style): string {
  const { at, application, left_out: leftOut, left_out_why: why } = line;
  const text = `${countText(leftOut, 'line')} of ${application} ${leftOutTexts[why ?? 'too_fast']}`;
  return `${style.dim(clockTime(Date.parse(at)))} ${style.warn(shorten(text, columnsMax - timeWidth))}`;
}

/** A part of an explanation: what applications printed about the request, and while they had it. */
export function outputLines(context: RequestContextJson, style: Style): string[] {
  return outputGroups(context).flatMap(({ title, lines }) => [
    '',
    style.bold(`OUTPUT  ${title}`),
    ...lines.flatMap(({ line, note }) => [...outputRows(line, style), ...noteRows(note, style)]),
  ]);
}

function noteRows(text: string | null, style: Style): string[] {
  return text === null ? [] : [style.dim(`${' '.repeat(timeWidth + 5)}${text}`)];
}

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
