import type { Event, EventKind } from '../../core/event.ts';

/** `ms`: when it came. Its own time is a wall clock's, which may jump. */
export interface SeenEvent {
  readonly event: Event;
  readonly ms: number;
}

/** Those that explain failures. Others are not kept, so that many of them push none of these out. */
const kinds: ReadonlySet<EventKind> = new Set([
  'configuration_applied',
  'connections_refused',
  'descriptors_exhausted',
  'health_disagreement',
  'instance_exited',
  'name_addresses',
  'name_state',
  'overlay_changed',
  'worker_lost',
  'worker_silent',
]);

/** Of each kind. An application that ends each second has as many exits in five minutes. */
const ofKindMax = 300;

/** Longer than a change before an incident is suspected (180 s), since its first failures may be found minutes later. */
const keptMs = 900_000;

/** The events that may explain an incident, in the order in which they came. */
export class KeptEvents {
  #events: SeenEvent[] = [];
  readonly #counts = new Map<EventKind, number>();

  get all(): readonly SeenEvent[] {
    return this.#events;
  }

  add(event: Event, ms: number): void {
    const { kind } = event;
    if (!kinds.has(kind)) return;
    this.#events.push({ event, ms });
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    // The oldest of its own kind gives way, several at a time.
    if (count > 2 * ofKindMax) this.#dropOldest(kind, count - ofKindMax);
  }

  #dropOldest(kind: EventKind, drop: number): void {
    let left = drop;
    this.#keep(({ event }) => event.kind !== kind || left-- <= 0);
  }

  /** Those that are older than any incident that may still begin. */
  forget(ms: number): void {
    const oldest = ms - keptMs;
    if ((this.#events[0]?.ms ?? oldest) < oldest) this.#keep((seen) => seen.ms >= oldest);
  }

  #keep(is: (seen: SeenEvent) => boolean): void {
    this.#events = this.#events.filter(is);
    this.#counts.clear();
    for (const { event } of this.#events) this.#counts.set(event.kind, (this.#counts.get(event.kind) ?? 0) + 1);
  }
}
