import type { JSX } from 'preact';
import { elapsedText } from '#failures/quantity-text.ts';
import type { IncidentJson, ProblemJson, StatusJson, TimelineJson, UpstreamJson } from '../model.ts';
import { endpointTone, upstreamState } from '../overall-state.ts';
import { addressHash } from '../page-address.ts';
import { countFigure, durationFigure, rateFigure, shareFigure } from '../shown-figures.ts';
import { IncidentCard } from './incident-page.tsx';
import { Answered, Elapsed, Mark, NumberHeads, Section, Sentence, StateText, TableFrame } from './parts.tsx';
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
          <Traffic status={shown} />
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
      {incidents.map((incident) => (
        <IncidentCard incident={incident} key={incident.id} />
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
  const figures: readonly (readonly [string, string, boolean?])[] = [
    ['requests/s', rateFigure(minute.requests_per_s)],
    ['failed', shareFigure(minute.error_share), (minute.error_share ?? 0) > 0.01],
    ['p50', durationFigure(minute.p50_ms)],
    ['p99', durationFigure(minute.p99_ms)],
    ['in flight', countFigure(workers.reduce((sum, worker) => sum + worker.exchanges_active, 0))],
    ['waiting', countFigure(waiting.reduce((sum, one) => sum + one.count, 0))],
    ['clients', countFigure(workers.reduce((sum, worker) => sum + worker.client_connections, 0))],
  ];
  return (
    <Section title="Traffic" aside={<span class="quiet">last minute</span>}>
      <dl class="figures">
        {figures.map(([name, value, isBad = false]) => (
          <div class={isBad ? 'bad' : ''}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Answered answer={answer}>{(timeline) => <StackedBars timeline={timeline} />}</Answered>
    </Section>
  );
}

function Upstreams({ upstreams }: { readonly upstreams: readonly UpstreamJson[] }): JSX.Element {
  return (
    <Section title="Upstreams">
      <TableFrame name="Upstreams, last minute">
        <table>
          <thead>
            <tr>
              <th scope="col">upstream</th>
              <th scope="col">state</th>
              <th scope="col">endpoints</th>
              <NumberHeads names={['requests/s', 'failed', 'p50', 'p99']} />
            </tr>
          </thead>
          <tbody>
            {upstreams.map((upstream) => (
              <UpstreamRow upstream={upstream} key={upstream.id} />
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Section>
  );
}

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
      <td>
        {healthy} of {endpoints.length}
      </td>
      <td class="number">{rateFigure(minute.requests_per_s)}</td>
      <td class={`number ${(minute.error_share ?? 0) > 0.01 ? 'bad-text' : ''}`}>{shareFigure(minute.error_share)}</td>
      <td class="number">{durationFigure(minute.p50_ms)}</td>
      <td class="number">{durationFigure(minute.p99_ms)}</td>
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
        {past.map(({ id, title, failed, attempts_failed: attemptsFailed, started_at: startedAt, last_at: lastAt }) => (
          <li key={id}>
            <a href={addressHash('incidents', String(id))} data-row>
              {title}
            </a>
            <span class="quiet">
              {failed === 0 ? `${countFigure(attemptsFailed)} attempts` : `${countFigure(failed)} requests`} failed,{' '}
              {elapsedText((Date.parse(lastAt) - Date.parse(startedAt)) / 1000)},{' '}
              {elapsedText((now.value - Date.parse(lastAt)) / 1000)} ago
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Process({ status: shown }: { readonly status: StatusJson }): JSX.Element {
  const { version, member, pid, started_at: startedAt, revision, listeners, store } = shown;
  return (
    <p class="process quiet">
      candor {version}, member {member}, pid {pid}, up <Elapsed since={Date.parse(startedAt)} />, configuration revision{' '}
      {revision},{' '}
      {listeners
        .map(({ id, address, state: open }) => `${id} ${address}${open === 'open' ? '' : ` (${open})`}`)
        .join(', ')}
      {store === null ? ', no store: requests cannot be searched' : ''}
    </p>
  );
}
