import type { Event, EventKind } from './event.ts';
import { camelCased, type SnakeCased, snakeCased } from '#failures/json-case.ts';

/** An event as JSON: keys in snake_case, its time in ISO 8601. `docs/events.md` describes it. */
export type EventJson = Omit<Event, 'at' | 'evidence'> & {
  readonly kind: EventKind;
  readonly at: string;
  readonly evidence: SnakeCased<Event['evidence']>;
};

export function eventJson(event: Event): EventJson {
  return { ...event, at: new Date(event.at).toISOString(), evidence: snakeCased(event.evidence) };
}

/** The event from its JSON form. */
export function eventOfJson(json: EventJson): Event {
  return { ...json, at: Date.parse(json.at), evidence: camelCased(json.evidence) } as Event;
}
