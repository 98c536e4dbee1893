import type { WatchedUpstream } from './watched-upstream.ts';

type WatchedEndpoint = WatchedUpstream['endpoints'][number];
type WatchedProcess = NonNullable<WatchedUpstream['processes']>[number];
type Stopped = NonNullable<WatchedProcess['stopped']>;

/** Endpoints that are remembered. */
const endpointsMax = 200;

/** What was seen of the endpoints of an upstream while an incident went on: what explains it stays known when it has ended. */
export class SeenEndpoints {
  #application: string | null = null;
  /** As they were last unhealthy. */
  readonly #unhealthy = new Map<string, WatchedEndpoint>();
  readonly #advice = new Map<string, string>();
  /** Processes that had nearly used up something, as they were then: a restart makes them forget it. */
  readonly #strained = new Map<string, WatchedProcess>();
  /** Processes that a signal had stopped, by instance. */
  readonly #stopped = new Map<string, Stopped>();

  /** What is known now, with what was seen before. */
  see({ application, endpoints, processes, ...rest }: WatchedUpstream): WatchedUpstream {
    this.#application = application ?? this.#application;
    for (const endpoint of endpoints) this.#remember(endpoint);
    const ids = new Set(endpoints.map(({ id }) => id));
    const removed = [...this.#unhealthy.values()]
      .filter(({ id }) => !ids.has(id))
      .map((one) => ({ ...one, isRemoved: true as const }));
    return {
      ...rest,
      ...(processes === undefined ? {} : { processes: processes.map((one) => this.#withStop(this.#withStrains(one))) }),
      application: this.#application,
      endpoints: [...endpoints.map((one) => this.#withEarlier(one)), ...removed],
    };
  }

  /** What requests would meet too says more than a response that the check does not expect. */
  #remember(endpoint: WatchedEndpoint): void {
    const { id, state, advice, checkCause } = endpoint;
    if (advice !== null && hasRoom(this.#advice, id)) this.#advice.set(id, advice);
    if (state !== 'unhealthy' || !hasRoom(this.#unhealthy, id)) return;
    if (checkCause !== null || (this.#unhealthy.get(id)?.checkCause ?? null) === null)
      this.#unhealthy.set(id, endpoint);
  }

  #withStrains(now: WatchedProcess): WatchedProcess {
    const { instance, strains } = now;
    if (strains.length > 0 && hasRoom(this.#strained, instance)) this.#strained.set(instance, now);
    const before = this.#strained.get(instance);
    if (before === undefined) return now;
    const { strains: earlier, descriptors } = before;
    return { ...now, strains: earlier, ...(descriptors === undefined ? {} : { descriptors }) };
  }

  /** An instance that was stopped as a whole explains more than a single process that is. */
  #withStop(now: WatchedProcess): WatchedProcess {
    const { instance, stopped } = now;
    const before = this.#stopped.get(instance);
    if (stopped !== undefined && (stopped.isWhole || before?.isWhole !== true)) {
      if (hasRoom(this.#stopped, instance)) this.#stopped.set(instance, stopped);
      return now;
    }
    return before === undefined ? now : { ...now, stopped: { ...before, hasEnded: true } };
  }

  #withEarlier(now: WatchedEndpoint): WatchedEndpoint {
    const advice = now.advice ?? this.#advice.get(now.id) ?? null;
    const before = this.#unhealthy.get(now.id);
    if (before === undefined || before.reason === now.reason) return { ...now, advice };
    return { ...before, advice, reason: `${before.reason}; later: ${now.reason}` };
  }
}

const hasRoom = (known: ReadonlyMap<string, unknown>, id: string): boolean =>
  known.has(id) || known.size < endpointsMax;
