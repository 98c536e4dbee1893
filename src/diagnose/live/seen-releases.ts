import type { Event } from '../../core/event.ts';

/** An instance of an application, since it was first started. */
export interface SeenInstance {
  /** The configuration that was active then; 0: an earlier process of the gateway has started it. */
  readonly revision: number;
  readonly startedMs: number;
  /** Null: it has never been ready. */
  readyMs: number | null;
}

/** Bounds of memory: an instance takes some 200 bytes. */
const instancesMax = 2000;
const revisionsMax = 200;

/** Which configuration the instances of applications are of, and which one was active when. Knows no more than events have said. */
export class SeenReleases {
  /** By their names ('web/2'). No name is used for two instances. */
  readonly #instances = new Map<string, SeenInstance>();
  #revisions: readonly { readonly revision: number; readonly ms: number }[] = [];

  get instances(): ReadonlyMap<string, SeenInstance> {
    return this.#instances;
  }

  onEvent(event: Event, ms: number): void {
    const { kind, subject, revision } = event;
    if (kind === 'configuration_applied')
      this.#revisions = [...this.#revisions.slice(1 - revisionsMax), { revision, ms }];
    const name = subject.slice('instance:'.length);
    if (kind === 'instance_started') this.#add(name, { revision, startedMs: ms, readyMs: null });
    if (kind === 'instance_adopted') {
      const startedMs = ms - event.evidence.ranMs;
      this.#add(name, { revision: 0, startedMs, readyMs: event.to === 'ready' ? startedMs : null });
    }
    const instance = kind === 'instance_ready' ? this.#instances.get(name) : undefined;
    if (instance !== undefined) instance.readyMs ??= ms;
  }

  /** After a restart it is the same instance. */
  #add(name: string, instance: SeenInstance): void {
    if (this.#instances.has(name)) return;
    this.#instances.set(name, instance);
    const [oldest] = this.#instances.keys();
    if (this.#instances.size > instancesMax && oldest !== undefined) this.#instances.delete(oldest);
  }

  /** Null: not known. */
  revisionAt(ms: number): number | null {
    return this.#revisions.findLast((one) => one.ms <= ms)?.revision ?? null;
  }
}
