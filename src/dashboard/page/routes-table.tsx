import type { JSX } from 'preact';
import type { ObjectiveJson, RouteTimelinesJson, StatusJson } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { missedText, objectiveWords, routeName, type RouteRow, routeRows } from '../route-rows.ts';
import { countFigure, durationFigure, rateFigure, shareFigure } from '../shown-figures.ts';
import type { SortedColumn } from '../sorted-rows.ts';
import { Mark, Section, SortedTable } from './parts.tsx';
import { SmallPlot } from './stacked-bars.tsx';
import { api } from './state.ts';
import { useAnswer } from './use-answer.ts';

const columns: readonly SortedColumn<RouteRow>[] = [
  { name: 'route', sortBy: ({ id }) => id },
  { name: 'requests/s', isNumber: true, sortBy: ({ last_minute: minute }) => minute.requests_per_s },
  { name: 'errors', isNumber: true, sortBy: ({ last_minute: minute }) => minute.errors },
  { name: 'failed', isNumber: true, sortBy: ({ last_minute: minute }) => minute.error_share },
  { name: 'p50', isNumber: true, sortBy: ({ last_minute: minute }) => minute.p50_ms },
  { name: 'p99', isNumber: true, sortBy: ({ last_minute: minute }) => minute.p99_ms },
  { name: 'last 10 min' },
  { name: 'objective' },
];

/** As many as are read at a glance; the others are shown when they are asked for. */
const shownMax = 12;

/** What visitors see, by route: those that fail most first. */
export function Routes({ status }: { readonly status: StatusJson }): JSX.Element | null {
  const answer = useAnswer(
    () => api.get<RouteTimelinesJson>('/v1/timeline/routes', { since: '10m', step: '10' }),
    [status.revision],
    10_000,
  );
  const rows = routeRows(status, answer?.kind === 'ok' ? answer.value : null);
  if (rows.length === 0) return null;
  const others = rows.slice(shownMax);
  return (
    <Section title="Routes" aside={<span class="quiet">last minute</span>}>
      <RoutesTable name="Routes, last minute" rows={rows.slice(0, shownMax)} />
      {others.length > 0 && (
        <details>
          <summary>{others.length} more routes with fewer errors and requests</summary>
          <RoutesTable name="Other routes, last minute" rows={others} />
        </details>
      )}
    </Section>
  );
}

function RoutesTable({ name, rows }: { readonly name: string; readonly rows: readonly RouteRow[] }): JSX.Element {
  return (
    <SortedTable name={name} columns={columns} rows={rows} first={{ column: 'errors', isDescending: true }}>
      {(row) => <Row row={row} key={row.id} />}
    </SortedTable>
  );
}

function Row({ row }: { readonly row: RouteRow }): JSX.Element {
  const { id, last_minute: minute, objectives, plot } = row;
  const isBad = (minute.error_share ?? 0) > 0.01;
  return (
    <tr>
      <th scope="row" class="said">
        {id === '' ? (
          routeName(id)
        ) : (
          <a href={addressHash('routes', id)} data-row>
            {id}
          </a>
        )}
      </th>
      <td class="number" data-name="requests/s">
        {rateFigure(minute.requests_per_s)}
      </td>
      <td class={`number ${isBad ? 'bad-text' : ''}`} data-name="errors">
        {countFigure(minute.errors)}
      </td>
      <td class={`number ${isBad ? 'bad-text' : ''}`} data-name="failed">
        {shareFigure(minute.error_share)}
      </td>
      <td class="number" data-name="p50">
        {durationFigure(minute.p50_ms)}
      </td>
      <td class="number" data-name="p99">
        {durationFigure(minute.p99_ms)}
      </td>
      <td>
        {plot === null ? (
          <span class="quiet">–</span>
        ) : (
          <SmallPlot name={routeName(id)} requests={plot.requests} errors={plot.errors} />
        )}
      </td>
      <td data-name="objective">
        <Objectives objectives={objectives} />
      </td>
    </tr>
  );
}

function Objectives({ objectives }: { readonly objectives: readonly ObjectiveJson[] }): JSX.Element {
  if (objectives.length === 0) return <span class="quiet">–</span>;
  return (
    <>
      {objectives.map((objective) => (
        <span class={`objective ${objective.burning === null ? 'quiet' : 'bad-text'}`} key={objective.kind}>
          {objective.burning !== null && (
            <>
              <Mark tone="bad" /> missed:{' '}
            </>
          )}
          {objectiveWords(objective)}
        </span>
      ))}
    </>
  );
}

/** Objectives that are missed, each with a link to the page that shows it. */
export function MissedObjectives({ objectives }: Pick<StatusJson, 'objectives'>): JSX.Element | null {
  const missed = objectives.filter((one) => missedText(one) !== null);
  if (missed.length === 0) return null;
  return (
    <Section title={missed.length === 1 ? 'Objective missed' : 'Objectives missed'}>
      <ul class="problems">
        {missed.map((one) => (
          <li key={`${one.route} ${one.kind}`}>
            <Mark tone="warn" />
            <p>
              {missedText(one)} <a href={addressHash('routes', one.route)}>The objective, and its requests</a>
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}
