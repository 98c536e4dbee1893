import type { JSX } from 'preact';
import { conditionText } from '../../core/exchange-query.ts';
import type { ObjectiveJson, RouteFigures, StatusJson, TimelineJson } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { missedQuery, missedText, objectiveWords } from '../route-rows.ts';
import { countFigure, durationFigure, rateFigures, shareFigure } from '../shown-figures.ts';
import { ClientRules } from './client-rules-table.tsx';
import { Answered, Figures, Mark, NumberHeads, Section, Sentence, TableFrame } from './parts.tsx';
import { StackedBars } from './stacked-bars.tsx';
import { api, status } from './state.ts';
import { useAnswer } from './use-answer.ts';

/** What visitors of one route see, and whether its objectives are kept. */
export function RoutePage({ id }: { readonly id: string }): JSX.Element {
  const shown = status.value;
  if (shown === null) return <p class="quiet">Asking the gateway …</p>;
  const route = shown.routes.find((one) => one.id === id);
  const objectives = shown.objectives.filter((one) => one.route === id);
  return (
    <>
      <h1>Route {id}</h1>
      {objectives.map((one) => (
        <Objective objective={one} key={one.kind} />
      ))}
      <Traffic id={id} route={route} />
      <ClientRules status={shown} route={id} />
      <Incidents id={id} status={shown} />
    </>
  );
}

const words = { good: 'kept', warn: 'at risk: its budget is used up too fast', bad: 'missed' } as const;

function Objective({ objective }: { readonly objective: ObjectiveJson }): JSX.Element {
  const missed = missedText(objective);
  const isLatency = objective.under_ms !== null;
  const isAtRisk = objective.burn_rates.some(({ short, limit }) => short >= limit);
  const tone = missed !== null ? 'bad' : isAtRisk ? 'warn' : 'good';
  return (
    <Section
      title={`Objective: ${objectiveWords(objective)}`}
      aside={
        <span class={`state ${tone}`}>
          <Mark tone={tone} /> {words[tone]}
        </span>
      }
    >
      {missed !== null && <p>{missed}</p>}
      <div class="buttons">
        <a class="button" href={addressHash('requests', '', { query: missedQuery(objective) })}>
          {isLatency ? 'Requests that took longer' : 'Requests that failed'}
        </a>
      </div>
      <TableFrame name={`Burn rates of the ${objective.kind} objective`}>
        <table>
          <thead>
            <tr>
              <th scope="col">how fast</th>
              <NumberHeads names={['missed from', 'short window', 'burn rate', 'long window', 'burn rate there']} />
            </tr>
          </thead>
          <tbody>
            {objective.burn_rates.map(({ tier, limit, short, long, short_s: shortS, long_s: longS }) => (
              <tr key={tier}>
                <th scope="row">{tier}</th>
                <td class="number">{limit}</td>
                <td class="number">{windowText(shortS)}</td>
                <td class={`number ${short >= limit ? 'bad-text' : ''}`}>{short.toFixed(1)}</td>
                <td class="number">{windowText(longS)}</td>
                <td class={`number ${long >= limit ? 'bad-text' : ''}`}>{long.toFixed(1)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
      <p class="quiet">
        A burn rate says how many times as fast as allowed the error budget is used up. The objective is missed where
        both windows of a line have its limit. Of the budget of three days{' '}
        {objective.budget_left <= 0 ? 'nothing' : `${Math.round(objective.budget_left * 100)} %`} is left.
      </p>
    </Section>
  );
}

function windowText(seconds: number): string {
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function Traffic({ id, route }: { readonly id: string; readonly route: RouteFigures | undefined }): JSX.Element {
  const answer = useAnswer(
    () => api.get<TimelineJson>('/v1/timeline', { since: '10m', step: '10', route: id }),
    [id],
    10_000,
  );
  const condition = conditionText('route', id);
  const minute = route?.last_minute;
  return (
    <Section title="Traffic" aside={<span class="quiet">last minute</span>}>
      {minute === undefined ? (
        <p class="quiet">
          The status does not list this route: the configuration does not have it, or 200 others fail more.
        </p>
      ) : (
        <Figures
          figures={[
            ...rateFigures(minute),
            ['errors', countFigure(minute.errors), (minute.error_share ?? 0) > 0.01],
            ['failed', shareFigure(minute.error_share), (minute.error_share ?? 0) > 0.01],
            ['p50', durationFigure(minute.p50_ms)],
            ['p99', durationFigure(minute.p99_ms)],
          ]}
        />
      )}
      <Answered answer={answer}>{(timeline) => <StackedBars timeline={timeline} />}</Answered>
      <div class="buttons">
        <a class="button" href={addressHash('requests', '', { query: condition })}>
          Its requests
        </a>
        <a class="button" href={addressHash('requests', '', { query: `${condition} -shape:none` })}>
          Its failures
        </a>
        {route !== undefined && route.upstream !== null && (
          <a class="button" href={addressHash('upstreams', route.upstream)}>
            Upstream {route.upstream}
          </a>
        )}
      </div>
    </Section>
  );
}

function Incidents({
  id,
  status: { incidents },
}: {
  readonly id: string;
  readonly status: StatusJson;
}): JSX.Element | null {
  const own = incidents.filter(({ routes }) => routes.some(({ route }) => route === id));
  if (own.length === 0) return null;
  return (
    <Section title="Incidents that go on">
      <ul class="problems">
        {own.map(({ id: number, title, reason }) => (
          <li key={number}>
            <Mark tone="bad" />
            <p>
              <a href={addressHash('incidents', String(number))}>{title}</a>: <Sentence text={reason} />
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}
