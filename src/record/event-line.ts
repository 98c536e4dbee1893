import { eventJson } from '../core/event-json.ts';
import type { Event } from '../core/event.ts';
import type { EventLine } from '../core/store-messages.ts';
import { jsonOf } from './json-text.ts';

/** An event as the threads of the store and of the export get it. */
export function eventLine(event: Event): EventLine {
  return { seq: event.seq, at: event.at, json: jsonOf(eventJson(event)) };
}
