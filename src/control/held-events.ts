import { type Event } from '../core/event.ts';
import { eventJson } from '../core/event-json.ts';
import type { EventSearchRequest, EventSearchResult } from '../core/store-messages.ts';

/** A page of events that are held in memory, the newest first. `events`: the oldest first. */
export function heldEvents(
  events: readonly Event[],
  { since, until, kinds, limit, cursor }: EventSearchRequest,
): EventSearchResult {
  const before = Number(/^held-(\d{1,15})$/.exec(cursor ?? '')?.[1] ?? Infinity);
  const found = events.filter(
    ({ at, kind, seq }) =>
      (since === null || at >= since) &&
      (until === null || at <= until) &&
      kinds?.includes(kind) !== false &&
      seq < before,
  );
  const page = found.toReversed().slice(0, limit);
  const last = page.at(-1);
  const hasMore = found.length > page.length && last !== undefined;
  return { kind: 'page', events: page.map(eventJson), cursor: hasMore ? `held-${last.seq}` : null, timedOut: false };
}
