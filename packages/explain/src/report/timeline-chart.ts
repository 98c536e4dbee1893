import type { TimelineInterval, TimelineReport } from '../summary-report.ts';
import { intervalText, manyText, numberText, timeAfter, timeText } from './finding-words.ts';

const width = 1000;
const height = 180;

/** Failures, the application's own errors and clients that left, over time, as stacked bars. Empty if no line has a time. */
export function timelineChart({ intervals, intervalMs, undated }: TimelineReport): string {
  const [first, last] = [intervals[0], intervals.at(-1)];
  if (first === undefined || last === undefined) return '';
  const most = Math.max(...intervals.map(heightOf));
  if (most === 0) return '';
  const step = width / intervals.length;
  const bars = intervals.map((one, index) => bar(one, index * step, step, most)).join('');
  const end = last.startMs + intervalMs;
  const beside = undated === 0 ? '' : ` · ${manyText(undated, 'line')} without a time`;
  return `<figure>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="Failures over time, ${numberText(most)} in ${intervalText(intervalMs)} at the most">
<line x1="0" x2="${width}" y1="${height}" y2="${height}"/>${bars}</svg>
<div class="axis"><span>${timeText(first.startMs)}</span><span>${intervalText(intervalMs)} a bar, ${numberText(most)} at the most</span><span>${timeAfter(end, first.startMs)}</span></div>
<figcaption><i class="failure"></i>gateway failures <i class="unclear"></i>of unclear origin <i class="app-error"></i>the application's own errors <i class="client"></i>clients that left, asked wrongly or were denied${beside}</figcaption>
</figure>`;
}

function heightOf({ failures, unclear, appErrors, denials, clientAborts }: TimelineInterval): number {
  return failures + unclear + appErrors + denials + clientAborts;
}

function bar(one: TimelineInterval, left: number, step: number, most: number): string {
  const parts = [
    ['failure', one.failures],
    ['unclear', one.unclear],
    ['app-error', one.appErrors],
    ['client', one.clientAborts + one.denials],
  ] as const;
  let foot = height;
  const rectangles = parts.flatMap(([name, count]) => {
    if (count === 0) return [];
    const tall = Math.max(1.5, (count / most) * height);
    foot -= tall;
    const x = (left + step * 0.05).toFixed(2);
    return [
      `<rect class="${name}" x="${x}" y="${foot.toFixed(2)}" width="${(step * 0.9).toFixed(2)}" height="${tall.toFixed(2)}"/>`,
    ];
  });
  if (rectangles.length === 0) return '';
  const title = `${timeText(one.startMs)}: ${manyText(one.failures, 'failure')} in ${manyText(one.lines, 'line')}`;
  return `<g><title>${title}</title>${rectangles.join('')}</g>`;
}
