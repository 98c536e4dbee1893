import type { ProcessNote } from '#failures/process-note.ts';
import { processStates } from '../core/process-state.ts';
import type { ContextSearch, FoundContext } from '../core/request-context.ts';
import type { ProcessWatch } from '../incidents/process-watch.ts';
import type { StoredExchanges } from './stored-exchanges.ts';

/** What is known about a request besides its record: in the store, and of processes also in memory. */
export async function requestContext(
  search: ContextSearch,
  store: Pick<StoredExchanges, 'context'>,
  watch: Pick<ProcessWatch, 'around'>,
): Promise<FoundContext> {
  const { processes, ...rest } = await store.context(search);
  const notes = withoutRepeated([...processes, ...watch.around(search.visits)]);
  return { ...rest, processes: processStates(notes, search.visits) };
}

/** A note that is stored may be in memory too. */
function withoutRepeated(notes: readonly ProcessNote[]): readonly ProcessNote[] {
  return [...new Map(notes.map((note) => [`${note.kind} ${note.instance} ${note.pid} ${note.at}`, note])).values()];
}
