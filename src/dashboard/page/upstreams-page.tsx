import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { conditionText } from '../../core/exchange-query.ts';
import type { CheckTranscript, EndpointJson, OverlayEntryJson, StatusJson, UpstreamJson } from '../model.ts';
import { changeWeight, endpointActions } from '../operator-actions.ts';
import { endpointTone, upstreamState } from '../overall-state.ts';
import { addressHash } from '../page-address.ts';
import { countFigure, durationFigure, rateFigure, shareFigure } from '../shown-figures.ts';
import { ActionButton } from './dialogs.tsx';
import { Elapsed, Mark, NumberHeads, Section, Sentence, StateText, TableFrame, Time } from './parts.tsx';
import { mayOperate, status } from './state.ts';

/** Every upstream with its endpoints, or one of them. */
export function UpstreamsPage({ id }: { readonly id: string }): JSX.Element {
  const shown = status.value;
  if (shown === null) return <p class="quiet">Asking the gateway …</p>;
  const upstreams = id === '' ? shown.upstreams : shown.upstreams.filter((one) => one.id === id);
  return (
    <>
      <h1>{id === '' ? 'Upstreams' : `Upstream ${id}`}</h1>
      {id !== '' && (
        <p>
          <a href={addressHash('upstreams')}>All upstreams</a>
        </p>
      )}
      {upstreams.length === 0 && (
        <p class="quiet">{id === '' ? 'The configuration has none.' : `There is no upstream ${id} now.`}</p>
      )}
      {upstreams.map((upstream) => (
        <Upstream upstream={upstream} status={shown} key={upstream.id} />
      ))}
    </>
  );
}

function Upstream({
  upstream,
  status: shown,
}: {
  readonly upstream: UpstreamJson;
  readonly status: StatusJson;
}): JSX.Element {
  const { id, application, last_minute: minute, waiting, endpoints } = upstream;
  const own = upstreamState(upstream, shown.incidents);
  const bound = shown.bounds.find((one) => one.kind === 'upstream' && one.id === id);
  return (
    <Section title={id} aside={<StateText state={own} />}>
      {own.reason !== '' && own.tone !== 'idle' && (
        <p>
          <Sentence text={own.reason} />
        </p>
      )}
      <p class="quiet">
        {application !== null && `application ${application}, `}
        {minute.requests === 0
          ? 'No request in the last minute'
          : `${rateFigure(minute.requests_per_s)} requests/s, ${shareFigure(minute.error_share)} failed, p50 ${durationFigure(minute.p50_ms)}, p99 ${durationFigure(minute.p99_ms)} in the last minute`}
        {waiting.map(
          (one) => `; ${countFigure(one.count)} wait for ${one.for === 'endpoint' ? 'an endpoint' : `a ${one.for}`}`,
        )}
        {bound !== undefined && `; ${bound.requests} of at most ${bound.limit ?? '?'} in flight`}.{' '}
        <a href={addressHash('requests', '', { query: `${conditionText('upstream', id)} -shape:none` })}>
          Failed requests
        </a>
        , <a href={addressHash('timeline', '', { upstream: id })}>timeline</a>
      </p>
      <TableFrame name={`Endpoints of ${id}`}>
        <table class="cards">
          <thead>
            <tr>
              <th scope="col" rowSpan={2}>
                endpoint
              </th>
              <th scope="col" rowSpan={2}>
                state
              </th>
              <th scope="col" rowSpan={2}>
                since
              </th>
              <th scope="colgroup" colSpan={4} class="stretch">
                attempts in the last minute
              </th>
              <th scope="colgroup" colSpan={3} class="stretch">
                now
              </th>
            </tr>
            <tr>
              <NumberHeads names={['answered', 'failed', 'p50', 'p99', 'in flight', 'pool', 'weight']} />
            </tr>
          </thead>
          {endpoints.map((endpoint) => (
            <EndpointRows endpoint={endpoint} upstream={upstream} entries={shown.overlay.entries} key={endpoint.id} />
          ))}
        </table>
      </TableFrame>
    </Section>
  );
}

interface EndpointProperties {
  readonly endpoint: EndpointJson;
  readonly upstream: UpstreamJson;
  readonly entries: readonly OverlayEntryJson[];
}

/**
 * A row of figures, and one under it with the reason, the last check and what can be done. The reason of an ejection has its time: it is of
 * the attempts before it, which the figures need not contain any more.
 */
function EndpointRows({ endpoint, upstream, entries }: EndpointProperties): JSX.Element {
  const { last_minute: minute } = endpoint;
  const { address, state, reason, since, weight, idle, waiting } = endpoint;
  const { connections, connections_max: max } = endpoint;
  return (
    <tbody class="endpoint">
      <tr>
        <th scope="row" class="said">
          {address}
        </th>
        <td>
          <span class={`state ${endpointTone(endpoint)}`}>
            <Mark tone={endpointTone(endpoint)} /> {state.replaceAll('_', ' ')}
          </span>
        </td>
        <td class="nowrap" data-name="since">
          <Elapsed since={since} />
        </td>
        <td class="number" data-name="answered">
          {countFigure(minute.answered)}
        </td>
        <td class={`number ${minute.failed > 0 ? 'bad-text' : ''}`} data-name="failed">
          {countFigure(minute.failed)}
        </td>
        <td class="number" data-name="p50">
          {durationFigure(minute.p50_ms)}
        </td>
        <td class="number" data-name="p99">
          {durationFigure(minute.p99_ms)}
        </td>
        <td class="number" data-name="in flight">
          {endpoint.in_flight ?? '–'}
        </td>
        <td class="number" data-name="pool">
          {connections} of {max}
          {`, ${idle} idle`}
          {waiting > 0 && `, ${waiting} wait`}
        </td>
        <td class="number" data-name="weight">
          {weight}
        </td>
      </tr>
      <tr class="more">
        <td colSpan={10}>
          <p class="reason">
            {state === 'ejected' && (
              <>
                <Time at={new Date(since).toISOString()} />:{' '}
              </>
            )}
            <Sentence text={reason} />
          </p>
          {endpoint.last_check !== null && <LastCheck check={endpoint.last_check} />}
          <EndpointActions endpoint={endpoint} upstream={upstream} entries={entries} />
        </td>
      </tr>
    </tbody>
  );
}

function LastCheck({ check }: { readonly check: CheckTranscript }): JSX.Element {
  return (
    <details>
      <summary>
        Last check <Time at={check.at} />: {check.passed ? 'passed' : 'failed'}, {durationFigure(check.duration_ms)}
      </summary>
      <p>
        <Sentence text={check.reason} />
      </p>
      <pre tabIndex={0} aria-label="Transcript of the last check">
        {[
          check.request === null ? '' : `> ${check.request}`,
          check.status === null ? '' : `< ${check.status}`,
          check.body === null ? '' : `\n${check.body}`,
        ]
          .filter((line) => line !== '')
          .join('\n')}
      </pre>
    </details>
  );
}

function EndpointActions({ endpoint, upstream, entries }: EndpointProperties): JSX.Element | null {
  if (!mayOperate.value) return null;
  return (
    <div class="buttons">
      {endpointActions(endpoint, upstream, entries).map((action) => (
        <ActionButton action={action} key={action.label} />
      ))}
      <Weight endpoint={endpoint} />
    </div>
  );
}

function Weight({ endpoint }: { readonly endpoint: EndpointJson }): JSX.Element {
  const [weight, setWeight] = useState(String(endpoint.weight));
  return (
    <span class="weight">
      <input
        type="number"
        min={0}
        max={1000}
        value={weight}
        aria-label={`Weight of ${endpoint.address}`}
        onInput={({ currentTarget }) => setWeight(currentTarget.value)}
      />
      <ActionButton action={changeWeight(endpoint.id, Math.round(Number(weight)) || 0)} />
    </span>
  );
}
