import type { TimelineReport } from '#explain/summary-report.ts';
import { wrap } from '../layout.ts';
import type { Style } from '../style.ts';
import { intervalText, manyText, numberText, timeAfter, timeText } from '#explain/report/finding-words.ts';

const heights = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/** With more intervals than this, two share a column. */
const columnsShown = 72;

/** One row of bars for each of them that occurs. */
const rows: readonly (readonly [words: string, key: 'failures' | 'unclear' | 'appErrors', colour: 'bad' | 'warn'])[] = [
  ['gateway failures', 'failures', 'bad'],
  ['failed requests of unclear origin', 'unclear', 'warn'],
  ["the application's own errors", 'appErrors', 'warn'],
];

/**
 * Failures over time as one row of bars, and what is no certain failure as further rows. Returns no lines if no line of the
 * log has a time.
 */
export function timelineLines(timeline: TimelineReport, style: Style): string[] {
  const { intervals, intervalMs } = timeline;
  const first = intervals[0];
  const last = intervals.at(-1);
  if (first === undefined || last === undefined) return [];
  const together = Math.max(1, Math.ceil(intervals.length / columnsShown));
  const shown = rows
    .map(([words, key, colour]) => ({
      words,
      colour,
      counts: sums(
        intervals.map((one) => one[key]),
        together,
      ),
    }))
    .filter(({ counts }) => counts.some((count) => count > 0));
  if (shown.length === 0) return [];
  const most = Math.max(...shown.flatMap(({ counts }) => counts));
  const span = `${timeText(first.startMs)} to ${timeAfter(last.startMs + intervalMs, first.startMs)}`;
  const words = shown.map((row) => row.words);
  return [
    '',
    `${style.bold('TIMELINE')}  ${span}`,
    ...shown.map(({ counts, colour }) => `  │${style[colour](bars(counts, most))}│`),
    ...legendLines(intervalMs * together, most, words).map(style.dim),
    ...undatedLines(timeline),
  ];
}

function legendLines(columnMs: number, most: number, words: readonly string[]): string[] {
  const named = words.length === 1 ? `; ${words[0]}` : `; from above: ${words.join(', ')}`;
  return wrap(`${intervalText(columnMs)} a column, ${numberText(most)} at the most${named}`, '  ');
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
