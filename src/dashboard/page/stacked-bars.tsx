import type { JSX } from 'preact';
import { shapeWords } from '#failures/failure-words.ts';
import type { TimelineJson } from '../model.ts';
import { countFigure, shareFigure } from '../shown-figures.ts';
import { failedShapes, timelineTotals } from '../timeline-series.ts';

const [width, height] = [600, 96];

/** Requests of each step as bars: those that went well below, failures by shape above them. The list under it says the same in words. */
export function StackedBars({ timeline }: { readonly timeline: TimelineJson }): JSX.Element {
  const totals = timelineTotals(timeline);
  const minutes = Math.round((Date.parse(timeline.until) - Date.parse(timeline.since)) / 60_000);
  const label = `Requests of the last ${minutes} minutes: ${totals.requests}, of which ${totals.errors} failed.`;
  return (
    <figure class="bars">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
        <Bars timeline={timeline} />
      </svg>
      <figcaption>
        <span>
          {countFigure(totals.requests)} requests in {minutes} min, {countFigure(totals.errors)} failed (
          {shareFigure(totals.requests === 0 ? null : totals.errors / totals.requests)}); the current {timeline.step_s}{' '}
          s are not included
        </span>
        <ShapeLegend timeline={timeline} />
      </figcaption>
    </figure>
  );
}

function Bars({ timeline }: { readonly timeline: TimelineJson }): JSX.Element {
  const { step_s: stepS, since, until, steps } = timeline;
  // The step that goes on has no bar, and no gap that would look like a drop to zero.
  const [from, to] = [Date.parse(since), Math.floor(Date.parse(until) / 1000 / stepS) * stepS * 1000];
  const highest = Math.max(1, ...steps.map(({ requests }) => requests));
  const barWidth = (width * stepS * 1000) / Math.max(1, to - from);
  return (
    <>
      {steps.map((step) => {
        const x = ((Date.parse(step.at) - from) / (to - from)) * width;
        const failed = failedShapes.reduce((sum, shape) => sum + (step.shapes[shape] ?? 0), 0);
        let y = height;
        const part = (name: string, count: number): JSX.Element | null => {
          if (count <= 0) return null;
          // One failure among thousands is seen too.
          const tall = Math.max(name === 'ok' ? 1 : 2, (count / highest) * height);
          y -= tall;
          return <rect class={`shape-${name}`} x={x} y={y} width={Math.max(1, barWidth - 1)} height={tall} />;
        };
        return (
          <g>
            {part('ok', step.requests - failed)}
            {failedShapes.map((shape) => part(shape, step.shapes[shape] ?? 0))}
          </g>
        );
      })}
    </>
  );
}

/** Requests of the last minutes and, in red, those of them that failed: small, beside the name of what they are of. */
export function SmallPlot({
  name,
  requests,
  errors,
}: {
  readonly name: string;
  readonly requests: readonly number[];
  readonly errors: readonly number[];
}): JSX.Element {
  const [tall, step] = [22, 2];
  const highest = Math.max(1, ...requests);
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  const label = `${name}: ${sum(requests)} requests in the last minutes, of which ${sum(errors)} failed.`;
  return (
    <svg
      class="small-plot"
      viewBox={`0 0 ${requests.length * step} ${tall}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {requests.map((count, index) => {
        if (count === 0) return null;
        const failed = errors[index] ?? 0;
        const whole = Math.max(1, (count / highest) * tall);
        const bad = failed === 0 ? 0 : Math.max(2, (failed / highest) * tall);
        return (
          <>
            <rect class="shape-ok" x={index * step} y={tall - whole} width={step} height={whole} />
            {bad > 0 && <rect class="plot-failed" x={index * step} y={tall - bad} width={step} height={bad} />}
          </>
        );
      })}
    </svg>
  );
}

/** The shapes that occurred, with their colours and numbers. */
export function ShapeLegend({ timeline }: { readonly timeline: TimelineJson }): JSX.Element {
  return (
    <ul class="legend">
      {[...timelineTotals(timeline).byShape].map(([shape, count]) => (
        <li>
          <i class={`swatch shape-${shape}`} aria-hidden="true" /> {shapeWords[shape]} {countFigure(count)}
        </li>
      ))}
    </ul>
  );
}
