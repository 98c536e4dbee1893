import type { JSX, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { verdictWords } from '../../diagnose/record-words.ts';
import type { FoundExchange } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { visibleRows } from '../paged-list.ts';
import { countFigure, durationFigure, timeText, timeTextMs } from '../shown-figures.ts';
import { NumberHeads } from './parts.tsx';
import { now } from './state.ts';
import type { Search } from './use-search.ts';

/** Of the style sheet: a row is one line, and two on a narrow screen. */
const rowHeights = { wide: 26, narrow: 46 } as const;
const narrow = matchMedia('(max-width: 700px)');

/** A list of any length, of which only the rows that are seen are drawn. It is made anew for each search, so that each begins at its top. */
export function RequestList({ search }: { readonly search: Search }): JSX.Element {
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
      <td colSpan={7} style={{ height: `${height}px` }} />
    </tr>
  );
}

function RequestRow({ found, index }: { readonly found: FoundExchange | null; readonly index: number }): JSX.Element {
  if (found === null)
    return (
      <tr aria-rowindex={index + 2}>
        <td colSpan={7} class="quiet">
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
