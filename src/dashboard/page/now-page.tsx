import type { JSX } from 'preact';
import { elapsedText } from '#failures/quantity-text.ts';
import type { IncidentJson, ProblemJson, StatusJson, TimelineJson, UpstreamJson } from '../model.ts';
import { endpointTone, upstreamState } from '../overall-state.ts';
import { extentFigures } from '../incident-extent.ts';
import { outagesOf } from '../outages.ts';
import { addressHash } from '../page-address.ts';
import { countFigure, durationFigure, rateFigure, rateFigures, shareFigure } from '../shown-figures.ts';
import type { SortedColumn } from '../sorted-rows.ts';
import { ClientRules } from './client-rules-table.tsx';
import { IncidentCard } from './incident-page.tsx';
import { Answered, Elapsed, Figures, Mark, Section, Sentence, SortedTable, StateText } from './parts.tsx';
import { MissedObjectives, Routes } from './routes-table.tsx';
import { StackedBars } from './stacked-bars.tsx';
import { api, now, state, status } from './state.ts';
import { useAnswer } from './use-answer.ts';

/** What goes on now: incidents first, then what else is wrong, traffic, and upstreams. */
export function NowPage(): JSX.Element {
  const shown = status.value;
  return (
    <>
      <h1 class="hidden">Now</h1>
      {shown === null ? (
        <p class="quiet">Asking the gateway …</p>
      ) : (
        <>
          <Headline />
          {shown.incidents.length > 0 && <Incidents incidents={shown.incidents} />}
          {shown.problems.length > 0 && <Problems problems={shown.problems} />}
          <MissedObjectives objectives={shown.objectives} />
          <Traffic status={shown} />
          <Routes status={shown} />
          <ClientRules status={shown} />
          <Upstreams upstreams={shown.upstreams} />
          <PastIncidents />
          <Process status={shown} />
        </>
      )}
    </>
  );
}

/** The verdict in one line. The header has its word. */
function Headline(): JSX.Element {
  const { tone, reason } = state.value;
  const { requests, errors } = status.value?.last_minute ?? { requests: 0, errors: 0 };
  const traffic = `${countFigure(requests)} requests in the last minute, ${errors === 0 ? 'none' : countFigure(errors)} failed.`;
  return (
    <p class={`headline ${tone}`}>
      <Mark tone={tone} /> <Sentence text={reason === '' ? traffic : reason} />
    </p>
  );
}

function Incidents({ incidents }: { readonly incidents: readonly IncidentJson[] }): JSX.Element {
  return (
    <Section title={incidents.length === 1 ? 'Incident' : 'Incidents'}>
      {outagesOf(incidents).map(({ first, others }) => (
        <IncidentCard incident={first} others={others} key={first.id} />
      ))}
    </Section>
  );
}

function Problems({ problems }: { readonly problems: readonly ProblemJson[] }): JSX.Element {
  return (
    <Section title="Problems">
      <ul class="problems">
        {problems.map(({ kind, reason, next_step: nextStep, since }, index) => (
          <li key={`${kind} ${index}`}>
            <Mark tone="warn" />
            <div>
              <p>
                <Sentence text={reason} />{' '}
                <span class="quiet">
                  for <Elapsed since={since} />
                </span>
              </p>
              <p class="next-step">
                <Sentence text={nextStep} />
              </p>
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Traffic({
  status: { last_minute: minute, workers, upstreams, bounds },
}: {
  readonly status: StatusJson;
}): JSX.Element {
  const answer = useAnswer(() => api.get<TimelineJson>('/v1/timeline', { since: '10m', step: '10' }), [], 5000);
  const waiting = [...upstreams.flatMap((one) => one.waiting), ...bounds.flatMap((one) => one.waiting)];
  const figures = [
    ...rateFigures(minute),
    ['failed', shareFigure(minute.error_share), (minute.error_share ?? 0) > 0.01],
    ['p50', durationFigure(minute.p50_ms)],
    ['p99', durationFigure(minute.p99_ms)],
    ['in flight', countFigure(workers.reduce((sum, worker) => sum + worker.exchanges_active, 0))],
    ['waiting', countFigure(waiting.reduce((sum, one) => sum + one.count, 0))],
    ['clients', countFigure(workers.reduce((sum, worker) => sum + worker.client_connections, 0))],
  ] as const;
  return (
    <Section title="Traffic" aside={<span class="quiet">last minute</span>}>
      <Figures figures={figures} />
      <Answered answer={answer}>{(timeline) => <StackedBars timeline={timeline} />}</Answered>
    </Section>
  );
}

function Upstreams({ upstreams }: { readonly upstreams: readonly UpstreamJson[] }): JSX.Element {
  return (
    <Section title="Upstreams">
      <SortedTable
        name="Upstreams, last minute"
        columns={upstreamColumns}
        rows={upstreams}
        first={{ column: null, isDescending: false }}
      >
        {(upstream) => <UpstreamRow upstream={upstream} key={upstream.id} />}
      </SortedTable>
    </Section>
  );
}

const upstreamColumns: readonly SortedColumn<UpstreamJson>[] = [
  { name: 'upstream', sortBy: ({ id }) => id },
  { name: 'state' },
  { name: 'endpoints' },
  { name: 'requests/s', isNumber: true, sortBy: ({ last_minute: minute }) => minute.requests_per_s },
  { name: 'failed', isNumber: true, sortBy: ({ last_minute: minute }) => minute.error_share },
  { name: 'p50', isNumber: true, sortBy: ({ last_minute: minute }) => minute.p50_ms },
  { name: 'p99', isNumber: true, sortBy: ({ last_minute: minute }) => minute.p99_ms },
];

function UpstreamRow({ upstream }: { readonly upstream: UpstreamJson }): JSX.Element {
  const { id, last_minute: minute, endpoints } = upstream;
  const shown = upstreamState(upstream, status.value?.incidents ?? []);
  const healthy = endpoints.filter((endpoint) => ['good', 'idle'].includes(endpointTone(endpoint))).length;
  return (
    <tr>
      <th scope="row">
        <a href={addressHash('upstreams', id)} data-row>
          {id}
        </a>
      </th>
      <td>
        <StateText state={shown} /> <span class="quiet wide-only">{shown.reason}</span>
      </td>
      <td data-name="endpoints">
        {healthy} of {endpoints.length}
      </td>
      <td class="number" data-name="requests/s">
        {rateFigure(minute.requests_per_s)}
      </td>
      <td class={`number ${(minute.error_share ?? 0) > 0.01 ? 'bad-text' : ''}`} data-name="failed">
        {shareFigure(minute.error_share)}
      </td>
      <td class="number" data-name="p50">
        {durationFigure(minute.p50_ms)}
      </td>
      <td class="number" data-name="p99">
        {durationFigure(minute.p99_ms)}
      </td>
    </tr>
  );
}

function PastIncidents(): JSX.Element | null {
  const going = status.value?.incidents.length ?? 0;
  const answer = useAnswer(() => api.get<{ readonly incidents: readonly IncidentJson[] }>('/v1/incidents'), [going]);
  if (answer?.kind !== 'ok') return null;
  const past = answer.value.incidents.filter((incident) => incident.resolved_at !== null).slice(0, 8);
  if (past.length === 0) return null;
  return (
    <Section title="Incidents that are over">
      <ul class="past">
        {outagesOf(past).map(({ first, others }) => {
          const { id, title, started_at: startedAt, last_at: lastAt } = first;
          return (
            <li key={id}>
              <a href={addressHash('incidents', String(id))} data-row>
                {title}
              </a>
              <span class="quiet">
                {extentFigures(first)}, {elapsedText((Date.parse(lastAt) - Date.parse(startedAt)) / 1000)},{' '}
                {elapsedText((now.value - Date.parse(lastAt)) / 1000)} ago
                {others.length > 0 &&
                  `, with ${others.length === 1 ? 'another incident' : `${others.length} other incidents`} of the same outage`}
              </span>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

function Process({ status: shown }: { readonly status: StatusJson }): JSX.Element {
  const { version, member, pid, started_at: startedAt, revision, listeners, store, applications } = shown;
  const { content_hash: contentHash } = shown;
  return (
    <p class="process quiet">
      candor {version}, member {member}, pid {pid}, up <Elapsed since={Date.parse(startedAt)} />,{' '}
      <a href={addressHash('configuration')}>configuration</a> revision {revision} ({contentHash.slice(0, 8)}),{' '}
      {applications
        .map(
          (one) =>
            `${one.id}: ${one.command.length === 0 ? (one.answered_by ?? 'no server') : programText(one.command, one.instances)}, `,
        )
        .join('')}
      {listeners
        .map(({ id, address, state: open }) => `${id} ${address}${open === 'open' ? '' : ` (${open})`}`)
        .join(', ')}
      {store === null ? ', no store: requests cannot be searched' : ''}
    </p>
  );
}

/** What runs of an application: 'node server.js (web/3 v42; web/2 v41 of an earlier configuration)'. */
function programText(command: readonly string[], instances: StatusJson['applications'][number]['instances']): string {
  const names = (isEarlier: boolean): string =>
    instances
      .filter((one) => (one.earlier_command !== null) === isEarlier)
      .map(({ id, release }) => (release === null ? id : `${id} ${release}`))
      .join(', ');
  const earlier = names(true);
  return `${command.join(' ')} (${names(false)}${earlier === '' ? '' : `; ${earlier} of an earlier configuration`})`;
}
