import type { OutputLineJson } from '../core/output-line.ts';
import type { RequestContextJson } from '../core/request-context.ts';
import { countText } from '../core/quantity-text.ts';
import { clockTime, timeWidth } from './event-lines.ts';
import { columnsMax, harmless, shorten, wrapAfter } from './layout.ts';
import type { Style } from './style.ts';

/** Where the status of a request stands. */
const streamWords = { stdout: 'out', stderr: 'err', file: 'log' } as const;

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
  const shown = `${instance ?? application}  ${shorten(harmless(text), room)}`;
  const wrapped = wrapAfter(label, brokenWords(shown), timeWidth + word.length + 1);
  return [...rows, ...wrapped.slice(0, rowsMax)];
}

function leftOutRow({ at, application, left_out: leftOut }: OutputLineJson, style: Style): string {
  const text = `${countText(leftOut, 'line')} of ${application} left out: they came too fast`;
  return `${style.dim(clockTime(Date.parse(at)))} ${style.warn(shorten(text, columnsMax - timeWidth))}`;
}

/** Words that are longer than a row are broken, such as JSON without spaces. */
function brokenWords(text: string): string {
  const width = columnsMax - timeWidth - 4;
  return text.replace(new RegExp(`\\S{${width}}(?=\\S)`, 'g'), '$& ');
}

/** A part of an explanation: what applications printed about the request, and while they had it. */
export function outputLines({ lines, nearby }: RequestContextJson, style: Style): string[] {
  const section = (title: string, of: readonly OutputLineJson[]): string[] =>
    of.length === 0 ? [] : ['', style.bold(title), ...of.flatMap((line) => outputRows(line, style))];
  return [
    ...section('OUTPUT  with the id of the request', lines),
    ...section('OUTPUT  of the instance while it had the request, without an id', nearby),
  ];
}
