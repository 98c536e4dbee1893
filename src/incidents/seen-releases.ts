import type { Event } from '../core/event.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';

/** An instance of an application, since it was first started. */
export interface SeenInstance {
  /** The configuration that was active then; 0: an earlier process of the gateway has started it. */
  readonly revision: number;
  readonly startedMs: number;
  /** Null or absent: its application was not deployed then. */
  readonly release?: string | null;
  /** Null: it has never been ready. */
  readyMs: number | null;
}

/** What events have told of a rollout. */
export interface SeenRollout {
  readonly release: string;
  /** In whose place. */
  readonly before: string;
  readonly actor: string;
  readonly beganMs: number;
  /** When it first got requests: a share of them, or those that are chosen for it; null: it has got none. */
  servedMs: number | null;
  /** The latest. */
  state: string | null;
  share: number;
}

export type HasServed = (instance: string) => boolean;

/** A configuration, since it was applied. */
export interface SeenRevision {
  readonly revision: number;
  readonly ms: number;
  readonly changed: readonly string[];
  /** Of each upstream, at what this configuration or an earlier one with the same settings has started. Of the last revisions only. */
  readonly attempts: ReadonlyMap<string, number>;
  /** How many of those failed, or had a 5xx status. */
  readonly failed: ReadonlyMap<string, number>;
}

interface CountedRevision extends SeenRevision {
  readonly attempts: Map<string, number>;
  readonly failed: Map<string, number>;
}

/** Bounds of memory: an instance takes some 200 bytes. */
const instancesMax = 2000;
const revisionsMax = 200;
/** Of an application. */
const rolloutsMax = 5;
/** Their attempts are known: an upstream takes some 60 bytes. */
const countedMax = 40;

/** What is counted so soon after a configuration was applied may have come before it. */
const settledMs = 2000;

/** Which configuration the instances of applications are of, and which one was active when. Knows no more than events have said. */
export class SeenReleases {
  /** By their names ('web/2'). No name is used for two instances. */
  readonly #instances = new Map<string, SeenInstance>();
  #revisions: readonly CountedRevision[] = [];
  /** The configuration of which an application's latest instance is. */
  readonly #latest = new Map<string, number>();

  /** By their applications, the latest last. */
  readonly rollouts = new Map<string, readonly SeenRollout[]>();

  get instances(): ReadonlyMap<string, SeenInstance> {
    return this.#instances;
  }

  /** The latest last. */
  get revisions(): readonly SeenRevision[] {
    return this.#revisions;
  }

  /** Attempts since the last time. Those at instances that a new release replaces are not its own. */
  count({ upstream, endpoint, successes, serverErrors, causes }: EndpointOutcomes, ms: number): void {
    const active = this.#revisions.at(-1);
    if (active === undefined || ms - active.ms < settledMs) return;
    const name = instanceOf(upstream, endpoint);
    const instance = this.#instances.get(name);
    if (instance !== undefined && instance.revision < (this.#latest.get(applicationOf(name)) ?? 0)) return;
    const failed = causes.reduce((sum, { count }) => sum + count, 0);
    active.attempts.set(upstream, (active.attempts.get(upstream) ?? 0) + successes + failed);
    active.failed.set(upstream, (active.failed.get(upstream) ?? 0) + serverErrors + failed);
  }

  onEvent(event: Event, ms: number): void {
    const { kind, subject, revision } = event;
    if (kind === 'configuration_applied') {
      const { changed } = event.evidence;
      const applied: CountedRevision = { revision, ms, changed, attempts: new Map(), failed: new Map() };
      this.#revisions = [...this.#revisions.slice(1 - revisionsMax), applied];
      const old = this.#revisions.at(-1 - countedMax);
      old?.attempts.clear();
      old?.failed.clear();
    }
    const name = subject.slice('instance:'.length);
    if (kind === 'rollout') this.#onRollout(event, ms);
    if (kind === 'instance_started') {
      const { release } = event.evidence;
      this.#add(name, { revision, startedMs: ms, release, readyMs: null });
    }
    if (kind === 'instance_adopted') {
      const startedMs = ms - event.evidence.ranMs;
      const { release } = event.evidence;
      this.#add(name, { revision: 0, startedMs, release, readyMs: event.to === 'ready' ? startedMs : null });
    }
    const instance = kind === 'instance_ready' ? this.#instances.get(name) : undefined;
    if (instance !== undefined) instance.readyMs ??= ms;
  }

  /** A comparison while the earlier release is warm is part of the rollout before. */
  #onRollout({ actor, to: state, evidence }: Extract<Event, { kind: 'rollout' }>, ms: number): void {
    const { application, release, before, share } = evidence;
    const known = this.rollouts.get(application) ?? [];
    const last = known.at(-1);
    const isSame = last?.release === release && last.before === before;
    const begins = !isSame || state === 'starting' || state === 'preparing';
    const servedMs = share > 0 || state === 'shifting' ? ms : null;
    if (!begins) return void Object.assign(last, { state, share, servedMs: last.servedMs ?? servedMs });
    if (isSame && last.state === 'preparing') return void (last.state = state);
    const rollout = { release, before, actor, beganMs: ms, servedMs, state, share };
    this.rollouts.set(application, [...known, rollout].slice(-rolloutsMax));
  }

  /** After a restart it is the same instance. */
  #add(name: string, instance: SeenInstance): void {
    if (this.#instances.has(name)) return;
    this.#instances.set(name, instance);
    this.#latest.set(applicationOf(name), instance.revision);
    const [oldest] = this.#instances.keys();
    if (this.#instances.size > instancesMax && oldest !== undefined) this.#instances.delete(oldest);
  }

  /** Whether an instance may have got requests: those of a release that was refused, or is not ready yet, have got none. */
  readonly hasServed: HasServed = (instance) => {
    const known = this.rollouts.get(applicationOf(instance)) ?? [];
    const release = this.#instances.get(instance)?.release ?? null;
    const own = known.filter((one) => one.release === release);
    const isInForce = known.some(({ before }) => before === release);
    return isInForce || own.length === 0 || own.some(({ servedMs }) => servedMs !== null);
  };

  /** Null: not known. */
  revisionAt(ms: number): number | null {
    return this.#revisions.findLast((one) => one.ms <= ms)?.revision ?? null;
  }
}

/** Of the endpoint of an instance: UPSTREAM/APPLICATION/NUMBER/ADDRESS. */
export function instanceOf(upstream: string, endpoint: string): string {
  return endpoint.slice(upstream.length + 1, endpoint.lastIndexOf('/'));
}

const applicationOf = (instance: string): string => instance.slice(0, instance.lastIndexOf('/'));
