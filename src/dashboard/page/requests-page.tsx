import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { answerText } from '../api.ts';
import { addressHash } from '../page-address.ts';
import { countFigure, timeText } from '../shown-figures.ts';
import { QueryField } from './query-field.tsx';
import { RequestList } from './request-list.tsx';
import { announcement, go, now } from './state.ts';
import { type Search, useSearch } from './use-search.ts';

const usualQueries: readonly (readonly [name: string, query: string])[] = [
  ['all', ''],
  ['failures', '-shape:none'],
  ['5xx', 'status:5xx'],
  ['slow', 'duration:>1s'],
  ['aborted by clients', 'shape:client_abort'],
];

/** Searches what the gateway has stored, the newest first, and follows it. */
export function RequestsPage({ query }: { readonly query: string }): JSX.Element {
  const [isFollowing, setFollowing] = useState(false);
  const search = useSearch(query, isFollowing);
  const { list, failure, storeFailing } = search;
  return (
    <>
      <h1>Requests</h1>
      <QueryField query={query} key={query} onSearch={(next) => go('requests', '', { query: next })} />
      <div class="chips">
        {usualQueries.map(([name, one]) => (
          <a href={addressHash('requests', '', { query: one })} aria-current={one === query ? 'true' : undefined}>
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
      {(failure === null || list.length > 0) && <RequestList search={search} key={query} />}
    </>
  );
}

function foundText({ list, isUnfinished }: Search): string {
  const count = countFigure(list.length);
  if (list.isComplete) return `${count} requests`;
  return isUnfinished ? `${count} requests so far; the search is not finished` : `${count} or more requests`;
}
