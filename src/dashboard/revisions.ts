import type { EventJson } from '../core/event-json.ts';
import type { RevisionJson } from './model.ts';

/** The configurations that were applied, as their events tell, in the order of the events. */
export function revisionsOf(events: readonly EventJson[]): RevisionJson[] {
  return events.flatMap(({ kind, revision, at, actor, evidence }) => {
    if (kind !== 'configuration_applied') return [];
    const { changed } = evidence as { readonly changed?: unknown };
    return [{ revision, at, actor, diff: null, changed: Array.isArray(changed) ? changed.map(String) : [] }];
  });
}
