import type { TimelineReport } from '../../diagnose/summary-report.ts';
import { wrap } from '../layout.ts';
import type { Style } from '../style.ts';
import { intervalText, manyText, numberText, timeAfter, timeText } from './finding-words.ts';

const heights = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/** With more intervals than this, two share a column. */
const columnsShown = 72;

/**
 * Failures over time as one row of bars, and the application's own errors as a second row. Returns no lines if no line
 * of the log has a time.
 */
export function timelineLines(timeline: TimelineReport, style: Style): string[] {
  const { intervals, intervalMs } = timeline;
  const first = intervals[0];
  const last = intervals.at(-1);
  if (first === undefined || last === undefined) return [];
  const together = Math.max(1, Math.ceil(intervals.length / columnsShown));
  const failures = sums(
    intervals.map((one) => one.failures),
    together,
  );
  const errors = sums(
    intervals.map((one) => one.appErrors),
    together,
  );
  const most = Math.max(...failures, ...errors);
  if (most === 0) return [];
  const hasErrors = errors.some((count) => count > 0);
  const end = last.startMs + intervalMs;
  const span = `${timeText(first.startMs)} to ${timeAfter(end, first.startMs)}`;
  return [
    '',
    `${style.bold('TIMELINE')}  ${span}`,
    `  │${style.bad(bars(failures, most))}│`,
    ...(hasErrors ? [`  │${style.warn(bars(errors, most))}│`] : []),
    ...legendLines(intervalMs * together, most, hasErrors).map(style.dim),
    ...undatedLines(timeline),
  ];
}

function legendLines(columnMs: number, most: number, hasErrors: boolean): string[] {
  const rows = hasErrors ? "; above gateway failures, below the application's own errors" : '';
  return wrap(`${intervalText(columnMs)} a column, ${numberText(most)} at the most${rows}`, '  ');
}

function undatedLines({ undated }: TimelineReport): string[] {
  return [...(undated === 0 ? [] : [`  ${manyText(undated, 'line')} without a time`])];
}

function bars(counts: readonly number[], most: number): string {
  // A single failure among thousands is still visible.
  return counts.map((count) => heights[Math.ceil((count / most) * (heights.length - 1))]).join('');
}

function sums(counts: readonly number[], together: number): number[] {
  const summed: number[] = [];
  counts.forEach((count, index) => {
    const column = Math.floor(index / together);
    summed[column] = (summed[column] ?? 0) + count;
  });
  return summed;
}
