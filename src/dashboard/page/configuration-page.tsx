import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { diffLines } from '../diff-lines.ts';
import type { Answer } from '../api.ts';
import type { ConfigurationJson, EventPage, FlatSettings, RevisionJson, RouteTrial } from '../model.ts';
import { revisionsOf } from '../revisions.ts';
import { addressHash } from '../page-address.ts';
import { Answered, Mark, Section, Sentence, TableFrame, Time } from './parts.tsx';
import { api, status } from './state.ts';
import { useAnswer } from './use-answer.ts';

/** What the gateway serves by, what changed, and which route a request would take. */
export function ConfigurationPage(): JSX.Element {
  const revision = status.value?.revision ?? 0;
  const answer = useAnswer(() => api.get<ConfigurationJson>('/v2/configuration'), [revision]);
  return (
    <>
      <h1>Configuration</h1>
      <RouteForm />
      <History revision={revision} />
      <Section title="In force" aside={<span class="quiet">revision {revision}</span>}>
        {answer?.kind === 'not_offered' ? (
          <p class="quiet">
            {status.value?.source == null ? 'It did not come from a file.' : `Its file: ${status.value.source}`}
          </p>
        ) : (
          <Answered answer={answer}>{(configuration) => <ConfigurationText configuration={configuration} />}</Answered>
        )}
      </Section>
    </>
  );
}

function ConfigurationText({ configuration }: { readonly configuration: ConfigurationJson }): JSX.Element {
  const { source, read_at: readAt, text, warnings } = configuration;
  return (
    <>
      <p class="quiet">
        {source ?? 'Not from a file'}, read <Time at={readAt} />. Secrets are not shown.
      </p>
      {warnings.map((warning) => (
        <p class="warning" key={warning}>
          <Sentence text={warning} />
        </p>
      ))}
      {text !== null && (
        <pre class="lines" tabIndex={0} aria-label="Text of the configuration">
          {text.split('\n').map((line, index) => (
            <span key={index} data-line={index + 1}>{`${line}\n`}</span>
          ))}
        </pre>
      )}
    </>
  );
}

function History({ revision }: { readonly revision: number }): JSX.Element {
  const answer = useAnswer(revisions, [revision]);
  return (
    <Section title="Changes">
      <Answered answer={answer}>
        {({ configurations }) =>
          configurations.length === 0 ? (
            <p class="quiet">None since the gateway started.</p>
          ) : (
            configurations.map((one) => <Revision one={one} key={`${one.at} ${one.revision}`} />)
          )
        }
      </Answered>
    </Section>
  );
}

interface Revisions {
  readonly configurations: readonly RevisionJson[];
}

/** The changes with their texts; where the gateway does not keep these, the events that tell of the changes. */
async function revisions(): Promise<Answer<Revisions>> {
  const kept = await api.get<Revisions>('/v2/configurations');
  if (kept.kind !== 'not_offered') return kept;
  const found = await api.get<EventPage>('/v2/events', { since: '7d', limit: '1000' });
  return found.kind === 'ok' ? { kind: 'ok', value: { configurations: revisionsOf(found.value.events) } } : found;
}

function Revision({ one }: { readonly one: RevisionJson }): JSX.Element {
  const { revision, at, actor, diff, changed } = one;
  const head = (
    <>
      Revision {revision}, <Time at={at} />, by {actor}
      {changed.length > 0 && `: ${changed.join(', ')}`}
    </>
  );
  if (diff === null) return <p>{head}</p>;
  return (
    <details>
      <summary>{head}</summary>
      {diff === '' ? (
        <p class="quiet">The text is that of the revision before.</p>
      ) : (
        <pre class="diff" tabIndex={0} aria-label={`Changes of revision ${revision}`}>
          {diffLines(diff).map(({ kind, text }, index) => (
            <DiffRow kind={kind} text={text} key={index} />
          ))}
        </pre>
      )}
    </details>
  );
}

const diffSigns = { added: '+', removed: '-', same: ' ', position: '' } as const;

function DiffRow({ kind, text }: { readonly kind: keyof typeof diffSigns; readonly text: string }): JSX.Element {
  const line = `${diffSigns[kind]}${text}\n`;
  if (kind === 'added') return <ins>{line}</ins>;
  return kind === 'removed' ? <del>{line}</del> : <span class={kind}>{line}</span>;
}

/** Asks the matcher of the gateway itself. */
function RouteForm(): JSX.Element | null {
  const [method, setMethod] = useState('GET');
  const [url, setUrl] = useState('');
  const [trial, setTrial] = useState<Answer<RouteTrial> | null>(null);
  // Without a URL it is refused by a gateway that has the operation.
  const offered = useAnswer(() => api.get('/v2/route'), []);
  const ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    setTrial(await api.get<RouteTrial>('/v2/route', { method, url }));
  };
  if (offered === null || offered.kind === 'not_offered') return null;
  return (
    <Section title="Which route would this request take?">
      <form class="line-form" onSubmit={(event) => void ask(event)}>
        <label for="route-method">Method</label>
        <select id="route-method" value={method} onChange={({ currentTarget }) => setMethod(currentTarget.value)}>
          {['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((one) => (
            <option value={one}>{one}</option>
          ))}
        </select>
        <label for="route-url">URL</label>
        <input
          id="route-url"
          type="text"
          inputMode="url"
          required
          placeholder="https://shop.example.org/cart"
          value={url}
          onInput={({ currentTarget }) => setUrl(currentTarget.value)}
        />
        <button type="submit">Ask</button>
      </form>
      <div aria-live="polite">
        {trial !== null && <Answered answer={trial}>{(found) => <TrialResult trial={found} />}</Answered>}
      </div>
    </Section>
  );
}

function TrialResult({ trial }: { readonly trial: RouteTrial }): JSX.Element {
  const { route, upstream, reason, candidates, timeouts, retry } = trial;
  return (
    <>
      <p class="conclusion">
        <Mark tone={route === null ? 'bad' : 'good'} /> {route === null ? 'No route' : `Route ${route}`}
        {upstream !== null && (
          <>
            {' to upstream '}
            <a href={addressHash('upstreams', upstream)}>{upstream}</a>
          </>
        )}
        . <Sentence text={reason} />
      </p>
      <TableFrame name="Routes in the order in which they were tried">
        <table>
          <thead>
            <tr>
              <th scope="col">route</th>
              <th scope="col">matches</th>
              <th scope="col">why</th>
            </tr>
          </thead>
          <tbody>
            {candidates.map((candidate) => (
              <tr key={candidate.route}>
                <th scope="row">{candidate.route}</th>
                <td>{candidate.matches ? 'yes' : 'no'}</td>
                <td>
                  <Sentence text={candidate.reason} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
      <Settings title="Timeouts" settings={timeouts} />
      {retry !== null && <Settings title="Retries" settings={retry} />}
    </>
  );
}

function Settings({ title, settings }: { readonly title: string; readonly settings: FlatSettings }): JSX.Element {
  return (
    <dl class="facts">
      <div>
        <dt>{title}</dt>
        <dd>
          {Object.entries(settings)
            .map(([key, value]) => `${key} ${value ?? 'none'}`)
            .join(', ')}
        </dd>
      </div>
    </dl>
  );
}
