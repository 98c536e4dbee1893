import type { JSX } from 'preact';
import { differenceOf } from '../../core/configuration-difference.ts';
import type { DiffLine } from '../../core/line-diff.ts';
import type { Answer } from '../api.ts';
import type { ConfigurationJson, ConfigurationList } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { timeText } from '../shown-figures.ts';
import { Answered } from './parts.tsx';
import { api, go, now } from './state.ts';
import { useAnswer } from './use-answer.ts';

interface ConfigurationDiffProperties {
  /** Numbers of configurations. */
  readonly from: string;
  /** '': the one in force. */
  readonly to: string;
}

/** What changed between two configurations. */
export function ConfigurationDiff({ from, to }: ConfigurationDiffProperties): JSX.Element {
  const answer = useAnswer(() => bothOf(from, to), [from, to]);
  return (
    <>
      <h1>Difference of two configurations</h1>
      <p>
        <a href={addressHash('configuration')}>All configurations</a>
      </p>
      <Choice from={from} to={to} />
      <Answered answer={answer}>{([before, after]) => <Difference before={before} after={after} />}</Answered>
    </>
  );
}

async function bothOf(from: string, to: string): Promise<Answer<readonly [ConfigurationJson, ConfigurationJson]>> {
  const before = await api.get<ConfigurationJson>(`/v1/configurations/${encodeURIComponent(from)}`);
  const path = to === '' ? '/v1/configuration' : `/v1/configurations/${encodeURIComponent(to)}`;
  const after = await api.get<ConfigurationJson>(path);
  if (before.kind !== 'ok') return before;
  return after.kind === 'ok' ? { kind: 'ok', value: [before.value, after.value] } : after;
}

function Choice({ from, to }: ConfigurationDiffProperties): JSX.Element {
  const answer = useAnswer(() => api.get<ConfigurationList>('/v1/configurations'), [from, to]);
  const kept = answer?.kind === 'ok' ? answer.value.configurations : [];
  const options = kept.map(({ id, state, at }) => (
    <option value={String(id)}>
      {id}, {state}, {timeText(Date.parse(at), now.value)}
    </option>
  ));
  return (
    <form class="line-form" aria-label="The configurations to compare">
      <label for="diff-from">From</label>
      <select
        id="diff-from"
        value={from}
        onChange={({ currentTarget }) => go('configuration', '', { from: currentTarget.value, to })}
      >
        {options}
      </select>
      <label for="diff-to">to</label>
      <select
        id="diff-to"
        value={to}
        onChange={({ currentTarget }) => go('configuration', '', { from, to: currentTarget.value })}
      >
        <option value="">the one in force</option>
        {options}
      </select>
    </form>
  );
}

interface DifferenceProperties {
  readonly before: ConfigurationJson;
  readonly after: ConfigurationJson;
}

function Difference({ before, after }: DifferenceProperties): JSX.Element {
  if (before.text === null || after.text === null)
    return <p class="quiet">Configuration {(before.text === null ? before : after).id} has no text.</p>;
  const difference = differenceOf({ ...before, text: before.text }, { ...after, text: after.text });
  const { lines, unshown, note } = difference;
  return (
    <>
      {lines.length === 0 ? (
        <p>The texts are equal.</p>
      ) : (
        <pre class="diff" tabIndex={0} aria-label={`Difference of configurations ${before.id} and ${after.id}`}>
          {lines.map((line, index) => (
            <DiffRow line={line} key={index} />
          ))}
        </pre>
      )}
      {unshown.length > 0 && (
        <>
          <p>Values that the texts do not show differ:</p>
          <ul>
            {unshown.map((key) => (
              <li key={key}>
                <code>{key}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      {note !== null && <p>{note}</p>}
    </>
  );
}

const signs = { added: '+', removed: '-', same: ' ', position: '' } as const;

function DiffRow({ line: { kind, text } }: { readonly line: DiffLine }): JSX.Element {
  const shown = `${signs[kind]}${text}\n`;
  if (kind === 'added') return <ins>{shown}</ins>;
  return kind === 'removed' ? <del>{shown}</del> : <span class={kind}>{shown}</span>;
}
