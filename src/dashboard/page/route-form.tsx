import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from '../api.ts';
import type { RouteJson } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { Answered, Mark, Section, Sentence, TableFrame } from './parts.tsx';
import { api } from './state.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Asks the matcher of the gateway itself. */
export function RouteForm(): JSX.Element {
  const [method, setMethod] = useState('GET');
  const [url, setUrl] = useState('');
  const [headers, setHeaders] = useState('');
  const [found, setFound] = useState<Answer<RouteJson> | null>(null);
  const asked = useRef<AbortController | null>(null);
  useEffect(() => () => asked.current?.abort(), []);
  const ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    asked.current?.abort();
    const { signal } = (asked.current = new AbortController());
    const lines = headers.split('\n').filter((line) => line.trim() !== '');
    const query = new URLSearchParams([['method', method], ['url', url], ...lines.map((line) => ['header', line])]);
    const answer = await api.get<RouteJson>(`/v1/route?${query.toString()}`, {}, signal);
    // The answer to an earlier question may come later.
    if (!signal.aborted) setFound(answer);
  };
  return (
    <Section title="Which route would this request take?">
      <form class="line-form" onSubmit={(event) => void ask(event)}>
        <label for="route-method">Method</label>
        <select id="route-method" value={method} onChange={({ currentTarget }) => setMethod(currentTarget.value)}>
          {methods.map((one) => (
            <option value={one}>{one}</option>
          ))}
        </select>
        <span class="field">
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
        </span>
        <span class="field">
          <label for="route-headers">Headers</label>
          <textarea
            id="route-headers"
            rows={1}
            placeholder="X-Beta: 1"
            value={headers}
            onInput={({ currentTarget }) => setHeaders(currentTarget.value)}
          />
        </span>
        <button type="submit">Ask</button>
      </form>
      <div aria-live="polite">
        {found !== null && <Answered answer={found}>{(route) => <FoundRoute found={route} />}</Answered>}
      </div>
    </Section>
  );
}

function FoundRoute({ found }: { readonly found: RouteJson }): JSX.Element {
  const { route, upstream, reason, overlay, candidates, timeouts, retry, limits } = found;
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
      {overlay.map((text) => (
        <p class="warning" key={text}>
          Set by an operator: <Sentence text={text} />.
        </p>
      ))}
      <TableFrame name="Routes in the order in which they were tried">
        <table class="cards">
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
                <td class="said">
                  <Sentence text={candidate.reason} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
      <dl class="facts">
        <Settings title="Timeouts" settings={timeouts} />
        <Settings title="Retries" settings={retry} />
        <Settings title="Limits" settings={limits} />
      </dl>
    </>
  );
}

interface SettingsProperties {
  readonly title: string;
  readonly settings: RouteJson['timeouts'] | RouteJson['retry'];
}

function Settings({ title, settings }: SettingsProperties): JSX.Element | null {
  if (settings === null) return null;
  const parts = Object.entries(settings).map(([key, value]) => `${key} ${value === '' ? 'none' : (value ?? 'none')}`);
  return (
    <div>
      <dt>{title}</dt>
      <dd>{parts.join(', ')}</dd>
    </div>
  );
}
