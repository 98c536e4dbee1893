import type { JSX } from 'preact';
import { actorWords } from '../event-words.ts';
import type { ConfigurationJson, ConfigurationList, ConfigurationSummaryJson } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { ConfigurationDiff } from './configuration-diff.tsx';
import { Answered, Mark, Section, Sentence, TableFrame, Time } from './parts.tsx';
import { RouteForm } from './route-form.tsx';
import { api, status } from './state.ts';
import { useAnswer } from './use-answer.ts';
import { errorsByLine } from '../shown-figures.ts';
import { useState } from 'preact/hooks';
import { settingLines } from '../../core/setting-lines.ts';

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
      <Timeouts />
    </>
  );
}

/** Advice from well days, for who looks at the settings: on the first page it would stand beside what goes on now. */
function Timeouts(): JSX.Element | null {
  const timeouts = status.value?.timeouts ?? [];
  if (timeouts.length === 0) return null;
  return (
    <Section title="Timeouts that do not fit">
      <ul class="problems">
        {timeouts.map(({ route, kind, reason, next_step: nextStep }) => (
          <li key={`${route} ${kind}`}>
            <Mark tone="idle" />
            <div>
              <p>
                <Sentence text={reason} />
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

const stateWords = { active: 'In force', earlier: 'Was in force', refused: 'Refused' } as const;

/** A configuration: where it came from, what is wrong with it, and its text. */
function ConfigurationText({
  configuration,
  isHeaded = false,
}: {
  readonly configuration: ConfigurationJson;
  /** A heading says its state already. */
  readonly isHeaded?: boolean;
}): JSX.Element {
  const { id, source, at, actor, text, warnings, changed, errors } = configuration;
  return (
    <>
      <p class="quiet">
        {stateText(configuration, isHeaded)}: {source ?? 'not from a file'}, read <Time at={at} /> by{' '}
        <span title={actor}>{actorWords(actor)}</span>. {text === null ? 'It has no text.' : 'Secrets are not shown.'}
      </p>
      {changed.length > 0 && <p>Changed: {changed.join('; ')}.</p>}
      {errors.map((error) => (
        <p class="failure" key={error}>
          <Sentence text={error} />
        </p>
      ))}
      {warnings.map((warning) => (
        <p class="warning" key={warning}>
          <Sentence text={warning} />
        </p>
      ))}
      {text !== null && <Lines text={text} errors={errors} name={`Text of configuration ${id}`} />}
    </>
  );
}

/** 'In force, revision 4', or 'Revision 4' below a heading. */
function stateText({ state, revision }: ConfigurationJson, isHeaded: boolean): string {
  if (revision === null) return stateWords[state];
  return isHeaded ? `Revision ${revision}` : `${stateWords[state]}, revision ${revision}`;
}

interface LinesProperties {
  readonly text: string;
  readonly errors: readonly string[];
  readonly name: string;
}

/** Each error stands below its line, too. */
function Lines({ text, errors, name }: LinesProperties): JSX.Element {
  const byLine = errorsByLine(errors);
  return (
    <pre class="lines" tabIndex={0} aria-label={name}>
      {text.split('\n').map((line, index) => {
        const wrong = byLine.get(index + 1) ?? [];
        return (
          <>
            <span class={wrong.length > 0 ? 'wrong' : ''} data-line={index + 1}>{`${line}\n`}</span>
            {wrong.map((what) => (
              <em>{`^ ${what}\n`}</em>
            ))}
          </>
        );
      })}
    </pre>
  );
}

/** All settings with their defaults, asked for when somebody opens them: thousands of routes have many. */
function EffectiveSettings({ revision }: { readonly revision: number }): JSX.Element {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>All settings, with defaults</summary>
      {isOpen && <Settings revision={revision} />}
    </details>
  );
}

function Settings({ revision }: { readonly revision: number }): JSX.Element {
  const answer = useAnswer(() => api.get<ConfigurationJson>('/v1/configuration?effective=true'), [revision]);
  return (
    <>
      <p class="quiet">
        What the gateway runs, by the names of the admin API: times in milliseconds, sizes in bytes, null for what is
        off. What operators have changed at run time is not in it.
      </p>
      <Answered answer={answer}>
        {({ effective }) => (
          <pre class="lines" tabIndex={0} aria-label="All settings, with defaults">
            {settingLines(effective ?? {}).join('\n')}
          </pre>
        )}
      </Answered>
    </>
  );
}
