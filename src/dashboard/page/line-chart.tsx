import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clockText } from '../shown-figures.ts';
import type { MarkerKind, TimelineMarker } from '../timeline-series.ts';
import { isDark } from './parts.tsx';

/** One line or area of a chart. `colour`: a property of the style sheet, such as '--accent'. */
interface ChartSeries {
  readonly name: string;
  readonly colour: string;
  readonly isFilled: boolean;
  /** Values may stand between steps without one, where no line leads to them. */
  readonly hasPoints?: boolean;
  readonly values: readonly (number | null)[];
}

interface LineChartProperties {
  /** What the chart shows, in a sentence: its text for those who do not see it. */
  readonly label: string;
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly valueText: (value: number) => string;
  readonly markers: readonly TimelineMarker[];
  /** A range of time was chosen with the pointer, in seconds since the Unix epoch. */
  readonly onSelect: (from: number, to: number) => void;
}

const chartHeight = 150;
/** Letters of a label. */
const labelMax = 24;

const markerColours: Readonly<Record<MarkerKind, string>> = {
  incident: '--bad',
  configuration: '--accent',
  release: '--accent',
  health: '--warn',
  maintenance: '--warn',
  gateway: '--quiet',
};

/** A chart over time. All charts of a page share their cursor, and a range that is dragged out is reported. */
export function LineChart(properties: LineChartProperties): JSX.Element {
  const { label, times, series } = properties;
  const frame = useRef<HTMLDivElement>(null);
  const latest = useRef(properties);
  latest.current = properties;
  const shape = `${series.map(({ name }) => name).join()} ${isDark.value}`;
  const chart = useRef<UPlot | null>(null);
  useEffect(() => {
    const target = frame.current;
    if (target === null) return;
    const made = new UPlot(optionsFor(target, latest), dataOf(latest.current), target);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: target.clientWidth, height: chartHeight }));
    observer.observe(target);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [shape]);
  useEffect(() => chart.current?.setData(dataOf(latest.current)), [times, series]);
  return <div class="chart" ref={frame} role="img" aria-label={label} />;
}

/** The last step is drawn up to its end, where the one that goes on begins. */
function dataOf({ times, series }: LineChartProperties): UPlot.AlignedData {
  const [before = 0, last = 0] = times.slice(-2);
  const end = times.length < 2 ? [] : [last + (last - before)];
  const closed = series.map(({ values, hasPoints }) => [
    ...values,
    ...end.map(() => (hasPoints === true ? null : (values.at(-1) ?? null))),
  ]);
  return [[...times, ...end], ...closed] as unknown as UPlot.AlignedData;
}

function optionsFor(target: HTMLElement, latest: { readonly current: LineChartProperties }): UPlot.Options {
  const colour = (name: string): string => resolvedColour(target, name);
  const { series } = latest.current;
  const axis: UPlot.Axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1, size: 4 },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: target.clientWidth || 600,
    height: chartHeight,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: { sync: { key: 'timeline' }, drag: { x: true, y: false, setScale: false }, points: { show: false } },
    scales: { y: { range: (_chart, _low, high) => [0, Math.max(high * 1.05, 1)] } },
    axes: [
      {
        ...axis,
        size: 26,
        space: 72,
        values: (_chart, ticks) => ticks.map((tick, index) => axisTime(tick, ticks[index + 1] ?? ticks[index - 1])),
      },
      { ...axis, size: 58, values: (_chart, ticks) => ticks.map((tick) => latest.current.valueText(tick)) },
    ],
    series: [
      {},
      ...series.map(
        ({ name, colour: property, isFilled, hasPoints = false }): UPlot.Series => ({
          label: name,
          stroke: colour(property),
          width: isFilled ? 0 : 1.5,
          points: { show: hasPoints, size: 4, fill: colour(property), width: 0 },
          ...(isFilled ? { fill: colour(property) } : {}),
          ...(UPlot.paths.stepped === undefined ? {} : { paths: UPlot.paths.stepped({ align: 1 }) }),
        }),
      ),
    ],
    hooks: {
      draw: [(chart) => drawMarkers(chart, latest.current.markers, colour)],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select;
          if (width > 3) latest.current.onSelect(chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x'));
        },
      ],
    },
  };
}

function drawMarkers(chart: UPlot, markers: readonly TimelineMarker[], colour: (name: string) => string): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  for (const { at, kind } of markers) {
    const x = Math.round(chart.valToPos(at / 1000, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = colour(markerColours[kind]);
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  drawLabels(chart, markers, colour);
  ctx.restore();
}

/** The oldest first. A label without room beside the one before it stands a line lower. */
function drawLabels(chart: UPlot, markers: readonly TimelineMarker[], colour: (name: string) => string): void {
  const { ctx, bbox } = chart;
  const [gap, lineHeight] = [4 * devicePixelRatio, 13 * devicePixelRatio];
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.fillStyle = colour('--accent');
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  // Letters stay readable on lines and areas.
  ctx.strokeStyle = colour('--ground');
  ctx.lineWidth = gap;
  ctx.setLineDash([]);
  const ends: number[] = [];
  for (const { at, label } of markers.toReversed()) {
    const x = chart.valToPos(at / 1000, 'x', true);
    if (label === null || x < bbox.left || x > bbox.left + bbox.width) continue;
    const text = label.length > labelMax ? `${label.slice(0, labelMax - 1)}…` : label;
    const { width } = ctx.measureText(text);
    const left = x + gap + width > bbox.left + bbox.width ? x - gap - width : x + gap;
    const free = ends.findIndex((end) => end < left);
    const line = free < 0 ? ends.length : free;
    ends[line] = left + width + gap;
    ctx.strokeText(text, left, bbox.top + line * lineHeight);
    ctx.fillText(text, left, bbox.top + line * lineHeight);
  }
}

/** '22:30', with seconds where ticks are closer than a minute; '11-28' where they are days apart. */
function axisTime(tick: number, next: number | undefined): string {
  const text = clockText(tick * 1000);
  if (next !== undefined && Math.abs(next - tick) >= 43_200) return new Date(tick * 1000).toISOString().slice(5, 10);
  return next !== undefined && Math.abs(next - tick) < 60 ? text : text.slice(0, 5);
}

/** A canvas does not know the properties of a style sheet. */
function resolvedColour(target: HTMLElement, name: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  target.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
