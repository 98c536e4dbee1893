import { afterEndText, type ContextLineJson } from '../core/context-line.ts';
import { type OutputLineJson, streamWords } from '../core/output-line.ts';
import type { RequestContextJson } from '../core/request-context.ts';
import { countText } from '../core/quantity-text.ts';
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

function leftOutRow({ at, application, left_out: leftOut }: OutputLineJson, style: Style): string {
  const text = `${countText(leftOut, 'line')} of ${application} left out: they came too fast`;
  return `${style.dim(clockTime(Date.parse(at)))} ${style.warn(shorten(text, columnsMax - timeWidth))}`;
}

/** A part of an explanation: what applications printed about the request, and while they had it. */
export function outputLines({ lines, nearby }: RequestContextJson, style: Style): string[] {
  const section = <T extends OutputLineJson>(title: string, of: readonly T[], after?: (line: T) => string): string[] =>
    of.length === 0
      ? []
      : [
          '',
          style.bold(title),
          ...of.flatMap((line) => [...outputRows(line, style), ...noteRows(after?.(line), style)]),
        ];
  // A gateway of an earlier version does not say it.
  const ofAttempts = lines.filter(({ relation = 'attempt' }: Partial<ContextLineJson>) => relation === 'attempt');
  return [
    ...section(
      'OUTPUT  with the id of the request',
      ofAttempts.filter(({ has }) => has !== 'trace_id'),
    ),
    ...section(
      'OUTPUT  with the id of its trace, which other requests may have too',
      ofAttempts.filter(({ has }) => has === 'trace_id'),
    ),
    ...section('OUTPUT  of the instance while it had the request, without an id', nearby),
    ...section(
      'OUTPUT  with an id of the request, long before or after it',
      lines.filter(({ relation }) => relation === 'other_time'),
      linkText,
    ),
    ...section(
      'OUTPUT  of applications that had no attempt of this request, with an id of it',
      lines.filter(({ relation }) => relation === 'no_attempt'),
      linkText,
    ),
  ];
}

function linkText({ has, after_end_ms: afterEndMs }: ContextLineJson): string {
  return `${afterEndText(afterEndMs)}, with ${has === 'request_id' ? 'the id of the request' : 'the id of its trace'}`;
}

function noteRows(text: string | undefined, style: Style): string[] {
  return text === undefined ? [] : [style.dim(`${' '.repeat(timeWidth + 5)}${text}`)];
}
