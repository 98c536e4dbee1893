import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { stages } from '#failures/stage.ts';
import { acceptCompletion, completeQuery, type Completion, type QueryNames, routeIdsOf } from '../complete-query.ts';
import type { ConfigurationJson } from '../model.ts';
import { api, isSearchWanted, status } from './state.ts';

/** Loaded when the field is first used: they come with the sentences about them, which are large. */
let causes: readonly string[] = [];
async function loadCauses(): Promise<void> {
  causes = Object.keys((await import('#failures/failure-table.ts')).failureTable);
}

/** Of the configuration with this revision. The status names few routes; all are asked for when one is first written, because there may be thousands. */
let routes: { readonly revision: number; readonly names: readonly string[] } | null = null;
/** Whether there are other names than before. */
async function loadRoutes(): Promise<boolean> {
  const revision = status.value?.revision ?? 0;
  if (routes?.revision === revision) return false;
  routes = { revision, names: routes?.names ?? [] };
  const answer = await api.get<ConfigurationJson>('/v1/configuration?effective=true');
  if (answer.kind === 'ok') routes = { revision, names: routeIdsOf(answer.value.effective ?? {}) };
  else routes = null;
  return answer.kind === 'ok';
}

/** The field of the search, which completes keys, names and values. */
export function QueryField({
  query,
  onSearch,
}: {
  readonly query: string;
  readonly onSearch: (query: string) => void;
}): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(query);
  const [shown, setShown] = useState<Completion | null>(null);
  const [chosen, setChosen] = useState(-1);
  const options = shown?.options ?? [];

  // Before the next key: letters would be taken for keys of the page.
  useLayoutEffect(() => {
    if (!isSearchWanted.peek()) return;
    isSearchWanted.value = false;
    field.current?.focus();
  }, []);

  const show = (): Completion => {
    const { value = '', selectionStart } = field.current ?? {};
    const next = completeQuery(value, selectionStart ?? value.length, namesNow());
    setShown(next);
    setChosen(-1);
    return next;
  };
  const showLater = async (): Promise<void> => {
    if ((await loadRoutes()) && document.activeElement === field.current) show();
  };
  const complete = (): void => {
    if (show().key === 'route') void showLater();
  };
  const accept = (option: string): void => {
    if (shown === null || field.current === null) return;
    const accepted = acceptCompletion(text, shown, option);
    setText(accepted.text);
    field.current.value = accepted.text;
    field.current.setSelectionRange(accepted.cursor, accepted.cursor);
    field.current.focus();
    complete();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') return setShown(null);
    if (options.length === 0) return;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const option = options[chosen] ?? (event.key === 'Tab' ? options[0] : undefined);
    if (step !== 0) setChosen((chosen + step + options.length + 1) % (options.length + 1));
    else if ((event.key === 'Enter' || event.key === 'Tab') && option !== undefined && !event.shiftKey) accept(option);
    else return;
    event.preventDefault();
  };
  return (
    <form
      class="query"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        setShown(null);
        onSearch(text.trim());
      }}
    >
      <label for="query">Search</label>
      <div class="query-box">
        <input
          id="query"
          ref={field}
          type="text"
          role="combobox"
          aria-autocomplete="list"
          aria-expanded={options.length > 0}
          aria-controls="query-options"
          aria-activedescendant={chosen >= 0 ? `query-option-${chosen}` : undefined}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder="status:5xx route:api since:1h"
          value={text}
          onInput={({ currentTarget }) => {
            setText(currentTarget.value);
            complete();
          }}
          onKeyDown={onKey}
          onFocus={() => void loadCauses()}
          onBlur={() => setShown(null)}
        />
        <ul id="query-options" role="listbox" aria-label="Completions" hidden={options.length === 0}>
          {options.map((option, index) => (
            <li
              id={`query-option-${index}`}
              role="option"
              aria-selected={index === chosen}
              onMouseDown={(event) => {
                event.preventDefault();
                accept(option);
              }}
            >
              {option}
            </li>
          ))}
        </ul>
      </div>
      <button type="submit">Search</button>
    </form>
  );
}

function namesNow(): QueryNames {
  const shown = status.value;
  const upstreams = shown?.upstreams ?? [];
  return {
    upstream: upstreams.map(({ id }) => id),
    endpoint: upstreams.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
    application: (shown?.applications ?? []).map(({ id }) => id),
    route: [
      ...new Set([
        ...(routes?.names ?? []),
        ...(shown?.breakers ?? []).map(({ route }) => route),
        ...(shown?.incidents ?? []).flatMap(({ routes }) => routes.map(({ route }) => route)),
      ]),
    ],
    member: shown === null ? [] : [shown.member],
    cause: causes,
    stage: stages,
  };
}
