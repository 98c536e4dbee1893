import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { elapsedText } from '#failures/quantity-text.ts';
import { type Answer, answerText } from '../api.ts';
import type { ShownState, Tone } from '../overall-state.ts';
import { pageClock } from '../system.ts';
import { agoText, timeText } from '../shown-figures.ts';
import { nextOrder, type SortedColumn, type SortOrder, sortedRows } from '../sorted-rows.ts';
import { now } from './state.ts';
import { signal } from '@preact/signals';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const key = 'candor-theme';

export const theme = signal<Theme>(stored());
/** Whether pages are dark now. */
export const isDark = signal(false);

const dark = matchMedia('(prefers-color-scheme: dark)');

export function applyTheme(next: Theme): void {
  theme.value = next;
  if (next === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', next);
  isDark.value = next === 'dark' || (next === 'system' && dark.matches);
  try {
    localStorage.setItem(key, next);
  } catch {
    // A browser without storage forgets the choice.
  }
}

dark.addEventListener('change', () => applyTheme(theme.value));

function stored(): Theme {
  try {
    const value = localStorage.getItem(key);
    return themes.find((one) => one === value) ?? 'system';
  } catch {
    return 'system';
  }
}

const marks: Readonly<Record<Tone, string>> = { good: '✔', warn: '▲', bad: '✖', idle: '○', unknown: '?' };

/** Not by colour alone: each tone has a sign of its own. */
export function Mark({ tone }: { readonly tone: Tone }): JSX.Element {
  return (
    <span class={`mark ${tone}`} aria-hidden="true">
      {marks[tone]}
    </span>
  );
}

export function StateText({ state }: { readonly state: ShownState }): JSX.Element {
  return (
    <span class={`state ${state.tone}`}>
      <Mark tone={state.tone} /> {state.word}
    </span>
  );
}

/** A sentence of the gateway, with what stands in backquotes as code. */
export function Sentence({ text }: { readonly text: string }): JSX.Element {
  const parts = text.split('`');
  return <>{parts.map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part))}</>;
}

export function Section({
  title,
  aside,
  children,
  level = 2,
}: {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly level?: 2 | 3;
}): JSX.Element {
  const id = `section-${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
  const Heading = level === 2 ? 'h2' : 'h3';
  return (
    <section aria-labelledby={id}>
      <div class="section-head">
        <Heading id={id}>{title}</Heading>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** A time, and how long ago it was. */
export function Since({ at }: { readonly at: string }): JSX.Element {
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={at}>
      {timeText(time, now.value)} ({agoText(time, now.value)})
    </time>
  );
}

/** Heads of columns of figures. */
export function NumberHeads({ names }: { readonly names: readonly string[] }): JSX.Element {
  return (
    <>
      {names.map((name) => (
        <th scope="col" class="number" key={name}>
          {name}
        </th>
      ))}
    </>
  );
}

/** Large figures with their names below each other. */
export function Figures({
  figures,
}: {
  readonly figures: readonly (readonly [name: string, value: string, isBad?: boolean])[];
}): JSX.Element {
  return (
    <dl class="figures">
      {figures.map(([name, value, isBad = false]) => (
        <div class={isBad ? 'bad' : ''}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** How long it has been so, such as `5 min`; grows as the clock goes. */
export function Elapsed({ since }: { readonly since: number }): JSX.Element {
  return <>{elapsedText(Math.max(0, Math.round((now.value - since) / 1000)))}</>;
}

export function Time({ at }: { readonly at: string }): JSX.Element {
  return (
    <time dateTime={at} title={at}>
      {timeText(Date.parse(at), now.value)}
    </time>
  );
}

/** The value of an answer, or why there is none. */
export function Answered<T>({
  answer,
  children,
}: {
  readonly answer: Answer<T> | null;
  readonly children: (value: T) => ComponentChildren;
}): JSX.Element {
  if (answer === null) return <p class="quiet">Asking the gateway …</p>;
  if (answer.kind === 'ok') return <>{children(answer.value)}</>;
  return <p class="quiet">{answerText(answer)}</p>;
}

/** A table that scrolls sideways by itself where the screen is narrow, also by the keyboard; a table of the class `cards` has a card for each row there. */
export function TableFrame({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="table-frame" role="region" aria-label={name} tabIndex={0}>
      {children}
    </div>
  );
}

/** A table that says which column it is sorted by, and is sorted by another one when its head is pressed. */
export function SortedTable<R>({
  name,
  columns,
  rows,
  first,
  children,
}: {
  readonly name: string;
  readonly columns: readonly SortedColumn<R>[];
  readonly rows: readonly R[];
  readonly first: SortOrder;
  readonly children: (row: R) => JSX.Element;
}): JSX.Element {
  const [order, setOrder] = useState(first);
  return (
    <TableFrame name={name}>
      <table class="cards">
        <thead>
          <tr>
            {columns.map((column) => {
              const sorted = column.name !== order.column ? undefined : order.isDescending ? 'descending' : 'ascending';
              const mark = sorted === undefined ? '' : order.isDescending ? ' ▾' : ' ▴';
              return (
                <th scope="col" class={column.isNumber === true ? 'number' : ''} aria-sort={sorted} key={column.name}>
                  {column.sortBy === undefined ? (
                    column.name
                  ) : (
                    <button type="button" class="head" onClick={() => setOrder(nextOrder(order, column))}>
                      {column.name}
                      <span aria-hidden="true">{mark}</span>
                    </button>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{sortedRows(rows, columns, order).map(children)}</tbody>
      </table>
    </TableFrame>
  );
}

/** Loads a component when it is first shown. */
export function lazyPage<P extends object>(
  load: () => Promise<(properties: P) => JSX.Element>,
): (properties: P) => JSX.Element {
  let loaded: ((properties: P) => JSX.Element) | null = null;
  return function LazyPage(properties: P): JSX.Element {
    const [Shown, setShown] = useState<((properties: P) => JSX.Element) | null>(() => loaded);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded !== null) return;
      load().then(
        (page) => {
          loaded = page;
          setShown(() => page);
        },
        () => setFailed(true),
      );
    }, []);
    if (failed)
      return (
        <p class="quiet">
          This part of the page could not be loaded. The gateway may have been upgraded: load the page again.
        </p>
      );
    return Shown === null ? <p class="quiet">Loading …</p> : <Shown {...properties} />;
  };
}

/** The text is copied when the button is pressed. */
export function CopyButton({ text, name }: { readonly text: string; readonly name: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard?.writeText(text).then(() => {
      setCopied(true);
      pageClock.after(2000, () => setCopied(false));
    });
  };
  return (
    <button type="button" class="small" onClick={copy} aria-label={`Copy ${name}`}>
      {isCopied ? 'Copied' : 'Copy'}
    </button>
  );
}
