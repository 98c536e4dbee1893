import type { Event, EventKind } from '../core/event.ts';

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
  'instance_not_started',
  'name_addresses',
  'name_state',
  'overlay_changed',
  'worker_lost',
  'worker_silent',
]);

/** Of each kind: an application that ends each second has 300 exits in five minutes. */
const ofKindMax = 600;

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
    if (count > ofKindMax) this.#dropOlder(kind);
  }

  /** Of the application that has ended most often, so that its exits push out none of another. */
  #dropOlder(kind: EventKind): void {
    const counts = new Map<string, number>();
    for (const { event } of this.#events)
      if (event.kind === kind) counts.set(sourceOf(event), (counts.get(sourceOf(event)) ?? 0) + 1);
    const [most = ['', 0]] = [...counts].sort(([, a], [, b]) => b - a);
    let left = Math.ceil(most[1] / 2);
    this.#keep(({ event }) => event.kind !== kind || sourceOf(event) !== most[0] || left-- <= 0);
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

/** Of exits, and of programs that could not be started, the application: 'instance:web' of 'instance:web/1'. Events of other kinds have one source. */
const sourceOf = ({ kind, subject }: Event): string =>
  kind === 'instance_exited' || kind === 'instance_not_started' ? subject.slice(0, subject.lastIndexOf('/')) : '';
