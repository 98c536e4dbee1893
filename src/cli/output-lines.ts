import { outputGroups } from '../core/output-groups.ts';
import { leftOutTexts, streamWords } from '../core/output-line.ts';
import type { OutputLineJson, RequestContextJson } from '../core/schemas/output.ts';
import { countText } from '#failures/quantity-text.ts';
import { clockTime, timeWidth } from './event-lines.ts';
import { columnsMax, shorten } from './layout.ts';
import type { Style } from './style.ts';
import { wrapOutput } from './wrap-output.ts';

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
  return [...rows, ...wrapped.slice(0, rowsMax)];
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
