import type { SummaryReport } from '../summary-report.ts';
import { manyText, numberText } from './finding-words.ts';

/** The first line of a summary: only failures between a gateway and its application are called failures. */
export function headline({ failures, unclear, recognised, lines }: SummaryReport): string {
  const of = manyText(lines, 'line');
  if (recognised === 0) return `No line was recognised in ${of}`;
  if (failures > 0) return `${manyText(failures, 'gateway failure')} in ${of}`;
  return unclear > 0 ? `No certain gateway failure in ${of}` : `No gateway failure in ${of}`;
}

/** What is counted apart from failures, each with why. */
export function countNotes(report: SummaryReport): string[] {
  const { unclear, denials, appErrors, clientAborts, retried, consequences, repeats, unrecognised } = report;
  const notes: readonly (readonly [count: number, noun: string, rest: string])[] = [
    [unclear, 'failed request', ' of which the log cannot show whose failure it was'],
    [appErrors, 'error', ' of the application itself, which the gateway passed on'],
    [retried, 'failed attempt', ' whose request was answered all the same, by another attempt or from a cache'],
    [denials, 'request', ' denied by a limit or a rule'],
    [clientAborts, 'request', ' that the client aborted or sent wrongly'],
    [unrecognised, 'line', ' in an unknown format'],
  ];
  return [
    ...notes.filter(([count]) => count > 0).map(([count, noun, rest]) => `${manyText(count, noun)}${rest}`),
    ...(consequences === 0 ? [] : [`${numberText(consequences)} of the failures were consequences of others`]),
    ...(repeats === 0 ? [] : [`${manyText(repeats, 'line')} reported a failure that another line had reported`]),
  ];
}

/** How times without a zone or a year were read; empty if all had both. */
export function clockNotes({ clock, timeline }: SummaryReport): string[] {
  if (timeline.firstMs === null) return [];
  const { zone, withoutZone, withoutYear } = clock;
  const year =
    withoutYear.length === 0
      ? []
      : [`The year is missing in: ${withoutYear.join(', ')}. It is taken from the other logs, or is the current one`];
  if (withoutZone.length === 0 || zone === null || zone === '+00:00') return year;
  return [`Times without a zone (${withoutZone.join(', ')}) are read as ${zone}, the zone of another line`, ...year];
}
