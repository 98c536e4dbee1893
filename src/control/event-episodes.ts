import type { Event } from '../core/event.ts';
import type { Instant } from '../core/time.ts';

type Of<K extends Event['kind']> = Extract<Event, { kind: K }>;

interface Episode<K extends Event['kind']> {
  /** When it began. */
  readonly since: Instant;
  /** The last event that told of it. */
  readonly event: Of<K>;
}

/** States that events begin and end, each of one subject. */
export class EventEpisodes<K extends Event['kind']> {
  readonly #bySubject = new Map<string, Episode<K>>();

  /** An event that does not end it goes on with it. */
  note(event: Of<K>, isOver: boolean, since: Instant): void {
    if (isOver) this.#bySubject.delete(event.subject);
    else this.#bySubject.set(event.subject, { since: this.#bySubject.get(event.subject)?.since ?? since, event });
  }

  get all(): readonly Episode<K>[] {
    return [...this.#bySubject.values()];
  }
}
