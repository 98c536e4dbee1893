import type { JSX } from 'preact';
import { actorWords } from '../event-words.ts';
import type { ConfigurationJson, ConfigurationList, ConfigurationSummaryJson } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { ConfigurationDiff } from './configuration-diff.tsx';
import { ConfigurationText } from './configuration-text.tsx';
import { EffectiveSettings } from './effective-settings.tsx';
import { Answered, Mark, Section, Sentence, TableFrame, Time } from './parts.tsx';
import { RouteForm } from './route-form.tsx';
import { api, status } from './state.ts';
import { useAnswer } from './use-answer.ts';

interface ConfigurationPageProperties {
  /** Of one that is kept; '': the page itself. */
  readonly id: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** What the gateway serves by, what it served by and refused, and which route a request would take. */
export function ConfigurationPage({ id, parameters }: ConfigurationPageProperties): JSX.Element {
  if (id !== '') return <KeptPage id={id} />;
  const { from = '', to = '' } = parameters;
  return from === '' ? <Overview /> : <ConfigurationDiff from={from} to={to} />;
}

function Overview(): JSX.Element {
  const revision = status.value?.revision ?? 0;
  // A reload that was refused changes no revision, but a problem of the status.
  const refused = status.value?.problems.find(({ kind }) => kind === 'configuration_refused')?.reason ?? '';
  const active = useAnswer(() => api.get<ConfigurationJson>('/v1/configuration'), [revision]);
  const kept = useAnswer(() => api.get<ConfigurationList>('/v1/configurations'), [revision, refused]);
  return (
    <>
      <h1>Configuration</h1>
      <RouteForm />
      <Section title="Applied and refused">
        <Answered answer={kept}>{({ configurations }) => <KeptTable kept={configurations} />}</Answered>
      </Section>
      <Section title="In force">
        <Answered answer={active}>
          {(configuration) => <ConfigurationText configuration={configuration} isHeaded />}
        </Answered>
        <EffectiveSettings revision={revision} />
      </Section>
    </>
  );
}

function KeptTable({ kept }: { readonly kept: readonly ConfigurationSummaryJson[] }): JSX.Element {
  return (
    <TableFrame name="Configurations that were applied and refused">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col" class="number">
              number
            </th>
            <th scope="col">state</th>
            <th scope="col">when</th>
            <th scope="col">by</th>
            <th scope="col">what changed, or why it was refused</th>
            <th scope="col">
              <span class="hidden">difference</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {kept.map((one, place) => (
            <KeptRow one={one} before={appliedBefore(kept, place)} key={one.id} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

/** What one is compared with: the one that was applied before it. */
function appliedBefore(kept: readonly ConfigurationSummaryJson[], place: number): number | null {
  return kept.slice(place + 1).find(({ state }) => state !== 'refused')?.id ?? null;
}

const tones = { active: 'good', earlier: 'idle', refused: 'bad' } as const;

interface KeptRowProperties {
  readonly one: ConfigurationSummaryJson;
  readonly before: number | null;
}

function KeptRow({ one, before }: KeptRowProperties): JSX.Element {
  const { id, state, at, actor, times, last_at: lastAt, changed, errors } = one;
  const details = state === 'refused' ? errors : changed;
  return (
    <tr>
      <th scope="row" class="number">
        <a href={addressHash('configuration', String(id))}>{id}</a>
      </th>
      <td class="nowrap">
        <Mark tone={tones[state]} /> {state}
      </td>
      <td class="nowrap">
        <Time at={at} />
        {times > 1 && (
          <span class="quiet">
            {' '}
            {times} times, the last <Time at={lastAt} />
          </span>
        )}
      </td>
      <td title={actor}>{actorWords(actor)}</td>
      <td class="said">
        <Sentence text={details[0] ?? ''} />
        {details.length > 1 && <span class="quiet"> and {details.length - 1} more</span>}
      </td>
      <td>
        {before !== null && (
          <a
            href={addressHash('configuration', '', { from: String(before), to: String(id) })}
            aria-label={`Difference of configurations ${before} and ${id}`}
          >
            difference
          </a>
        )}
      </td>
    </tr>
  );
}

function KeptPage({ id }: { readonly id: string }): JSX.Element {
  const revision = status.value?.revision ?? 0;
  const path = `/v1/configurations/${encodeURIComponent(id)}`;
  const answer = useAnswer(() => api.get<ConfigurationJson>(path), [id, revision]);
  return (
    <>
      <h1>Configuration {id}</h1>
      <p>
        <a href={addressHash('configuration')}>All configurations</a>
      </p>
      <Answered answer={answer}>{(configuration) => <ConfigurationText configuration={configuration} />}</Answered>
    </>
  );
}
