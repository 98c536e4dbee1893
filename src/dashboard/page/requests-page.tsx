import type { JSX, RefObject } from 'preact';
import { useState, useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { answerText } from '../api.ts';
import { addressHash } from '../page-address.ts';
import { type GroupKey, groupKeys } from '../../core/exchange-groups.ts';
import { conditionText } from '../../core/exchange-query.ts';
import type { ExchangeGroupsJson } from '../../core/schemas/record.ts';
import { countFigure, timeText, durationFigure, shareFigure, timeTextMs } from '../shown-figures.ts';
import type { SortedColumn } from '../sorted-rows.ts';
import { QueryField } from './query-field.tsx';
import { announcement, api, go, now } from './state.ts';
import { type Search, useAnswer, useSearch } from './use-answer.ts';
import { verdictWords } from '../../diagnose/record-words.ts';
import type { FoundExchange } from '../model.ts';
import { visibleRows } from '../paged-list.ts';
import { Answered, NumberHeads, SortedTable } from './parts.tsx';

const usualQueries: readonly (readonly [name: string, query: string])[] = [
  ['all', ''],
  ['failures', '-shape:none'],
  ['5xx', 'status:5xx'],
  ['slow', 'duration:>1s'],
  ['left by clients', 'end:abandoned'],
];

/** Searches what the gateway has stored, the newest first, and follows it. */
export function RequestsPage({ query, by }: { readonly query: string; readonly by: string }): JSX.Element {
  const [isFollowing, setFollowing] = useState(false);
  const search = useSearch(query, isFollowing);
  const { list, failure, storeFailing } = search;
  return (
    <>
      <h1>Requests</h1>
      <QueryField query={query} key={query} onSearch={(next) => go('requests', '', { query: next, by })} />
      <div class="chips">
        {usualQueries.map(([name, one]) => (
          <a href={addressHash('requests', '', { query: one, by })} aria-current={one === query ? 'true' : undefined}>
            {name}
          </a>
        ))}
        <span class="spacer" />
        {failure === null && (list.length > 0 || list.isComplete) && <span class="quiet">{foundText(search)}</span>}
        <button
          type="button"
          class="small"
          aria-pressed={isFollowing}
          onClick={() => {
            announcement.value = isFollowing
              ? 'New requests are not shown any more.'
              : 'New requests are shown as they end.';
            setFollowing(!isFollowing);
          }}
        >
          {isFollowing ? 'Following' : 'Follow'}
        </button>
      </div>
      {failure !== null && (
        <p class="failure" role="alert">
          {answerText(failure)}
        </p>
      )}
      {storeFailing !== null && (
        <p class="failure" role="alert">
          The store fails since {timeText(Date.parse(storeFailing.since), now.value)}, and what is newer cannot be found
          yet. {storeFailing.reason}
        </p>
      )}
      <Groups query={query} by={groupKeys.find((key) => key === by) ?? null} />
      {(failure === null || list.length > 0) && <RequestList search={search} key={query} />}
    </>
  );
}

function foundText({ list, isUnfinished }: Search): string {
  const count = countFigure(list.length);
  if (list.isComplete) return `${count} stored requests`;
  return isUnfinished
    ? `${count} stored requests so far; the search is not finished`
    : `${count} or more stored requests`;
}

/** What the search finds, counted by one of its values: each group narrows the search. */
function Groups({ query, by }: { readonly query: string; readonly by: GroupKey | null }): JSX.Element {
  return (
    <>
      <p class="chips">
        Grouped by
        {groupKeys.map((key) => (
          <a
            href={addressHash('requests', '', { query, by: key === by ? '' : key })}
            aria-current={key === by ? 'true' : undefined}
            key={key}
          >
            {key}
          </a>
        ))}
      </p>
      {by !== null && <GroupTable query={query} by={by} key={by} />}
    </>
  );
}

function GroupTable({ query, by }: { readonly query: string; readonly by: GroupKey }): JSX.Element {
  const answer = useAnswer(() => api.get<ExchangeGroupsJson>('/v1/exchange-groups', { query, by }), [query, by]);
  return (
    <Answered answer={answer}>
      {({ groups, counted, complete }) => (
        <>
          <p class="quiet">
            {complete ? `All ${countFigure(counted)} requests` : `The newest ${countFigure(counted)} requests`} that
            match, by {by}
            {groups.length === 50 && ', the 50 largest groups'}. Those that are not stored are counted too.
          </p>
          <div class="groups">
            <SortedTable
              name={`Requests by ${by}`}
              columns={groupColumns}
              rows={groups}
              first={{ column: 'requests', isDescending: true }}
            >
              {({ value, count, failed }) => (
                <tr key={value}>
                  <th scope="row">
                    {value === '' ? (
                      <span class="quiet">none</span>
                    ) : (
                      <a href={addressHash('requests', '', { query: `${query} ${conditionText(by, value)}`.trim() })}>
                        {value}
                      </a>
                    )}
                  </th>
                  <td class="number" data-name="requests">
                    {countFigure(count)}
                  </td>
                  <td class="number" data-name="share">
                    {shareFigure(counted === 0 ? null : count / counted)}
                  </td>
                  <td class={`number ${failed > 0 ? 'bad-text' : ''}`} data-name="failed">
                    {countFigure(failed)}
                  </td>
                </tr>
              )}
            </SortedTable>
          </div>
        </>
      )}
    </Answered>
  );
}

const groupColumns: readonly SortedColumn<ExchangeGroupsJson['groups'][number]>[] = [
  { name: 'value', sortBy: ({ value }) => value },
  { name: 'requests', isNumber: true, sortBy: ({ count }) => count },
  { name: 'share', isNumber: true },
  { name: 'failed', isNumber: true, sortBy: ({ failed }) => failed },
];

/** Of the style sheet: a row is one line, and two on a narrow screen. */
const rowHeights = { wide: 26, narrow: 46 } as const;
const narrow = matchMedia('(max-width: 700px)');

/** A list of any length, of which only the rows that are seen are drawn. It is made anew for each search, so that each begins at its top. */
function RequestList({ search }: { readonly search: Search }): JSX.Element {
  const { list } = search;
  if (list.length > 0) return <ScrolledList search={search} />;
  return (
    <p class="quiet">
      {list.isComplete
        ? 'No stored request matches.'
        : 'Searching … A shorter time (since:1h) or another condition makes it faster.'}
    </p>
  );
}

function ScrolledList({ search }: { readonly search: Search }): JSX.Element {
  const { list, see } = search;
  const frame = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({ top: 0, height: 600 });
  const rowHeight = narrow.matches ? rowHeights.narrow : rowHeights.wide;
  const measure = (): void => {
    const { scrollTop = 0, clientHeight = 600 } = frame.current ?? {};
    setScroll({ top: scrollTop, height: clientHeight });
  };
  useLayoutEffect(() => {
    measure();
    addEventListener('resize', measure);
    return () => removeEventListener('resize', measure);
  }, []);
  useSteadyRows(frame, list.newerCount, rowHeight);
  const rows = visibleRows(scroll.top, scroll.height, rowHeight, list.length);
  useEffect(() => see(rows.first, rows.end), [rows.first, rows.end, search.version]);
  const shown = Array.from({ length: rows.end - rows.first }, (_, offset) => rows.first + offset);
  return (
    <div class="request-list" ref={frame} onScroll={measure} role="region" aria-label="Found requests" tabIndex={0}>
      <table aria-rowcount={list.isComplete ? list.length + 1 : -1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">time</th>
            <NumberHeads names={['status', 'took']} />
            <th scope="col">request</th>
            <th scope="col">client</th>
            <th scope="col">route</th>
            <th scope="col">endpoint</th>
            <th scope="col">what went wrong</th>
          </tr>
        </thead>
        <tbody>
          {rows.above > 0 && <Gap height={rows.above} />}
          {shown.map((index) => (
            <RequestRow found={list.at(index)} index={index} key={list.at(index)?.id ?? index} />
          ))}
          {rows.below > 0 && <Gap height={rows.below} />}
        </tbody>
      </table>
    </div>
  );
}

/** The rows that a person looks at stay where they are while newer ones are put above them; at the top the newer ones are seen. */
function useSteadyRows(frame: RefObject<HTMLDivElement | null>, newerCount: number, rowHeight: number): void {
  const before = useRef(newerCount);
  useLayoutEffect(() => {
    const added = newerCount - before.current;
    before.current = newerCount;
    if (frame.current !== null && frame.current.scrollTop > 0) frame.current.scrollTop += added * rowHeight;
  }, [newerCount]);
}

/** The height of the rows that are not drawn. */
function Gap({ height }: { readonly height: number }): JSX.Element {
  return (
    <tr aria-hidden="true" class="gap">
      <td colSpan={8} style={{ height: `${height}px` }} />
    </tr>
  );
}

function RequestRow({ found, index }: { readonly found: FoundExchange | null; readonly index: number }): JSX.Element {
  if (found === null)
    return (
      <tr aria-rowindex={index + 2}>
        <td colSpan={8} class="quiet">
          …
        </td>
      </tr>
    );
  const {
    id,
    at,
    status,
    duration_ms: ms,
    method,
    host,
    path,
    query,
    client,
    route,
    attempts,
    shape,
    cause,
    stands_for: standsFor,
  } = found;
  const time = Date.parse(at);
  return (
    <tr aria-rowindex={index + 2} class={shape === 'none' ? '' : 'failed'}>
      <td class="time">
        <a href={addressHash('requests', id)} data-row title={`${timeText(time, now.value)} ${id}`}>
          {timeTextMs(time, now.value)}
        </a>
      </td>
      <td class={`number status ${statusTone(status)}`}>{status ?? '–'}</td>
      <td class="number">{durationFigure(ms)}</td>
      <td class="target" title={`${method} ${host}${path}${query === null ? '' : `?${query}`}`}>
        <span class="method">{method}</span> {path}
        {query !== null && <span class="quiet">?{query}</span>}
        {standsFor > 1 && <span class="times"> ×{countFigure(standsFor)}</span>}
      </td>
      <td class="client">{client.address}</td>
      <td class="route">{route ?? '–'}</td>
      <td class="endpoint-name">{attempts.at(-1)?.address ?? '–'}</td>
      <td class="why">{shape === 'none' && attempts.length < 2 ? '' : (cause ?? verdictWords(found))}</td>
    </tr>
  );
}

function statusTone(status: number | null): string {
  if (status === null || status >= 500) return 'bad-text';
  return status >= 400 ? 'warn-text' : '';
}
