import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { shapeWords } from '#failures/failure-words.ts';
import { conditionText } from '../../core/exchange-query.ts';
import type { EventPage, TimelineJson } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { clockText, countFigure, durationFigure, rateFigure } from '../shown-figures.ts';
import { markersOf, markerWords, type TimelineMarker } from '../timeline-markers.ts';
import { stackedColumns, timelineColumns, timelineTotals, timeRanges, type ShownRange } from '../timeline-series.ts';
import { LineChart } from './line-chart.tsx';
import { Answered, NumberHeads, Section, Sentence, TableFrame, Time } from './parts.tsx';
import { ShapeLegend } from './stacked-bars.tsx';
import { api, go, status } from './state.ts';
import { useAnswer } from './use-answer.ts';

interface Selected {
  /** Seconds since the Unix epoch. */
  readonly from: number;
  readonly to: number;
}

/** Requests, failures and durations over time, with what happened meanwhile. */
export function TimelinePage({ parameters }: { readonly parameters: Readonly<Record<string, string>> }): JSX.Element {
  const range = timeRanges.find(({ id }) => id === parameters['range']) ?? timeRanges[0];
  const upstream = parameters['upstream'] ?? '';
  const [selected, setSelected] = useState<Selected | null>(null);
  const asked = { since: `${range.seconds}s`, step: String(range.stepS), upstream };
  const everyMs = range.stepS * 1000;
  const answer = useAnswer(() => api.get<TimelineJson>('/v1/timeline', asked), [range.id, upstream], everyMs);
  const events = useAnswer(
    () => api.get<EventPage>('/v1/events', { since: `${range.seconds}s`, limit: '500' }),
    [range.id],
    everyMs,
  );
  const markers = useMemo(() => (events?.kind === 'ok' ? markersOf(events.value.events) : []), [events]);
  return (
    <>
      <h1>Timeline</h1>
      <Choices range={range} upstream={upstream} />
      <Answered answer={answer}>
        {(timeline) => (
          <>
            <Charts timeline={timeline} markers={markers} onSelect={(from, to) => setSelected({ from, to })} />
            <Selection selected={selected} upstream={upstream} onClear={() => setSelected(null)} />
          </>
        )}
      </Answered>
      <Section title="What happened">
        <Answered answer={events}>
          {({ cursor }) => (
            <>
              <Markers markers={markers} selected={selected} />
              {cursor !== null && <p class="quiet">Earlier events are not shown: choose a shorter time.</p>}
            </>
          )}
        </Answered>
      </Section>
    </>
  );
}

function Choices({ range, upstream }: { readonly range: ShownRange; readonly upstream: string }): JSX.Element {
  const upstreams = status.value?.upstreams ?? [];
  return (
    <div class="chips">
      {timeRanges.map(({ id, name }) => (
        <a
          href={addressHash('timeline', '', { range: id, upstream })}
          aria-current={id === range.id ? 'true' : undefined}
        >
          {name}
        </a>
      ))}
      <select
        aria-label="Upstream"
        value={upstream}
        onChange={({ currentTarget }) => go('timeline', '', { range: range.id, upstream: currentTarget.value })}
      >
        <option value="">all upstreams</option>
        {upstreams.map(({ id }) => (
          <option value={id}>{id}</option>
        ))}
      </select>
    </div>
  );
}

interface ChartsProperties {
  readonly timeline: TimelineJson;
  readonly markers: readonly TimelineMarker[];
  readonly onSelect: (from: number, to: number) => void;
}

function Charts({ timeline, markers, onSelect }: ChartsProperties): JSX.Element {
  const { columns, stacked, totals } = useMemo(() => {
    const read = timelineColumns(timeline);
    return { columns: read, stacked: stackedColumns(read), totals: timelineTotals(timeline) };
  }, [timeline]);
  const common = { times: columns.times, markers, onSelect };
  const failures = [...stacked].toReversed();
  const parts = [...totals.byShape].map(([shape, count]) => `${shapeWords[shape]} ${count}`).join(', ');
  return (
    <>
      <Section title="Requests per second">
        <LineChart
          {...common}
          label={`Requests per second; ${totals.requests} requests in all.`}
          series={[{ name: 'requests', colour: '--accent', isFilled: false, values: columns.requestsPerS }]}
          valueText={rateFigure}
        />
      </Section>
      <Section title={`Failures by shape, in ${timeline.step_s} s`} aside={<ShapeLegend timeline={timeline} />}>
        <LineChart
          {...common}
          label={`Failed requests by shape: ${parts === '' ? 'none' : parts}.`}
          series={failures.map(([shape, values]) => ({
            name: shape,
            colour: `--shape-${shape}`,
            isFilled: true,
            values,
          }))}
          valueText={(count) => (Number.isInteger(count) ? countFigure(count) : '')}
        />
      </Section>
      <Section title="Duration" aside={<DurationLegend />}>
        <LineChart
          {...common}
          label={`Median and p99 of the durations; the highest p99 was ${durationFigure(totals.worstP99Ms)}.`}
          series={[
            { name: 'p50', colour: '--quiet', isFilled: false, hasPoints: true, values: columns.p50Ms },
            { name: 'p99', colour: '--accent', isFilled: false, hasPoints: true, values: columns.p99Ms },
          ]}
          valueText={durationFigure}
        />
      </Section>
      <details>
        <summary>The figures as a table</summary>
        <FigureTable timeline={timeline} />
      </details>
    </>
  );
}

function DurationLegend(): JSX.Element {
  return (
    <ul class="legend">
      <li>
        <i class="swatch line-p99" aria-hidden="true" /> p99
      </li>
      <li>
        <i class="swatch line-p50" aria-hidden="true" /> p50
      </li>
    </ul>
  );
}

function FigureTable({ timeline }: { readonly timeline: TimelineJson }): JSX.Element {
  const steps = timeline.steps.filter(({ requests }) => requests > 0).toReversed();
  return (
    <TableFrame name="Figures of each step, the newest first">
      <table>
        <thead>
          <tr>
            <th scope="col">time</th>
            <NumberHeads names={['requests', 'failed', 'p50', 'p99']} />
          </tr>
        </thead>
        <tbody>
          {steps.slice(0, 150).map((step) => (
            <tr key={step.at}>
              <td>
                <Time at={step.at} />
              </td>
              <td class="number">{countFigure(step.requests)}</td>
              <td class="number">{countFigure(step.errors)}</td>
              <td class="number">{durationFigure(step.p50_ms)}</td>
              <td class="number">{durationFigure(step.p99_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

interface SelectionProperties {
  readonly selected: Selected | null;
  readonly upstream: string;
  readonly onClear: () => void;
}

/** The range that was dragged out leads to its requests. */
function Selection({ selected, upstream, onClear }: SelectionProperties): JSX.Element {
  if (selected === null) return <p class="quiet">Drag across a chart to choose a time, and see its requests.</p>;
  const [from, to] = [selected.from * 1000, selected.to * 1000];
  const where = upstream === '' ? [] : [conditionText('upstream', upstream)];
  const time = [`since:${new Date(from).toISOString()}`, `until:${new Date(to).toISOString()}`];
  return (
    <p class="selection" role="status">
      {clockText(from)} to {clockText(to)}:{' '}
      <a class="button" href={addressHash('requests', '', { query: [...where, ...time].join(' ') })}>
        Its requests
      </a>{' '}
      <a class="button" href={addressHash('requests', '', { query: ['-shape:none', ...where, ...time].join(' ') })}>
        Its failures
      </a>{' '}
      <button type="button" onClick={onClear}>
        Clear
      </button>
    </p>
  );
}

function Markers({
  markers,
  selected,
}: {
  readonly markers: readonly TimelineMarker[];
  readonly selected: Selected | null;
}): JSX.Element {
  const shown = markers.filter(
    ({ at }) => selected === null || (at >= selected.from * 1000 && at <= selected.to * 1000),
  );
  if (shown.length === 0)
    return <p class="quiet">No event of a release, the configuration, health or operators in this time.</p>;
  return (
    <TableFrame name="Events of this time">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">time</th>
            <th scope="col">kind</th>
            <th scope="col">subject</th>
            <th scope="col">what happened</th>
          </tr>
        </thead>
        <tbody>
          {shown.slice(0, 100).map(({ at, kind, subject, text, link }, index) => (
            <tr key={`${at} ${index}`}>
              <td class="nowrap">
                <Time at={new Date(at).toISOString()} />
              </td>
              <td class="nowrap">
                <i class={`swatch marker-${kind}`} aria-hidden="true" /> {markerWords[kind]}
              </td>
              <td>{link === null ? subject : <a href={link}>{subject}</a>}</td>
              <td class="said">
                <Sentence text={text} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
