import type { UpstreamId, EndpointId, EndpointState } from '../core/endpoint.ts';
import type { EndpointSnapshot, UpstreamDelta } from '../core/snapshot.ts';
import type { Instant } from '../core/time.ts';

/** What workers must receive about the endpoints of one upstream. */
export type EndpointDelta = Pick<UpstreamDelta, 'whole' | 'endpoints'>;

/**
 * Finds out which endpoints have changed since workers were last sent them, so that a delta has those alone: with 200
 * endpoints, a message with all of them costs the main thread and each worker a millisecond.
 */
export class EndpointDeltas {
  readonly #sent = new Map<UpstreamId, readonly EndpointSnapshot[]>();

  /** The changes in `endpoints`, which are all of the upstream's; null: none. They count as sent. */
  changesOf(upstream: UpstreamId, endpoints: readonly EndpointSnapshot[]): EndpointDelta | null {
    const sent = this.#sent.get(upstream);
    if (sent === undefined || !haveSameIds(endpoints, sent)) return this.all(upstream, endpoints);
    const changed = endpoints.filter((endpoint, index) => !isSameForWorkers(endpoint, sent[index] as EndpointSnapshot));
    if (changed.length === 0) return null;
    this.#sent.set(upstream, endpoints);
    return { whole: false, endpoints: changed };
  }

  /** All of them, for workers that may have missed a delta. */
  all(upstream: UpstreamId, endpoints: readonly EndpointSnapshot[]): EndpointDelta {
    this.#sent.set(upstream, endpoints);
    return { whole: true, endpoints };
  }

  /** Forgets all other upstreams. */
  keepOnly(upstreams: readonly { readonly id: UpstreamId }[]): void {
    const wanted = new Set(upstreams.map(({ id }) => id));
    for (const id of this.#sent.keys()) if (!wanted.has(id)) this.#sent.delete(id);
  }
}

/** Whether the same endpoints are there, in the same order. */
function haveSameIds(endpoints: readonly EndpointSnapshot[], sent: readonly EndpointSnapshot[]): boolean {
  return endpoints.length === sent.length && endpoints.every(({ id }, index) => id === sent[index]?.id);
}

/**
 * Whether a worker would do and report the same. The time of the next check does not count: a worker that received it
 * once computes the later ones (`healthyInMs`). Where the schedule means something else, such as the end of an
 * ejection, `sinceInstant` differs.
 */
function isSameForWorkers(one: EndpointSnapshot, other: EndpointSnapshot): boolean {
  return (
    one.state === other.state &&
    one.weight === other.weight &&
    one.sinceInstant === other.sinceInstant &&
    (isEligible(one) || hasSameReason(one, other)) &&
    one.semaphores?.index === other.semaphores?.index &&
    one.semaphores?.generation === other.semaphores?.generation &&
    one.secondAddress === other.secondAddress &&
    one.addressStale === other.addressStale &&
    one.zone === other.zone &&
    one.priority === other.priority &&
    one.probationRoutes?.join() === other.probationRoutes?.join() &&
    one.release === other.release &&
    one.share === other.share &&
    one.arm === other.arm &&
    one.exit?.atInstant === other.exit?.atInstant &&
    one.exit?.lastLine === other.exit?.lastLine &&
    one.stoppedPids?.join() === other.stoppedPids?.join() &&
    hasSameAddress(one, other)
  );
}

/** No worker reports why an endpoint gets requests, and many checks fail without taking an endpoint out. */
function isEligible({ state }: EndpointSnapshot): boolean {
  return state === 'healthy' || state === 'unchecked';
}

function hasSameReason(one: EndpointSnapshot, other: EndpointSnapshot): boolean {
  return (
    one.reason === other.reason &&
    one.finding?.reason === other.finding?.reason &&
    one.failure?.cause === other.failure?.cause &&
    one.checkCause === other.checkCause &&
    one.checks?.passesNeeded === other.checks?.passesNeeded &&
    one.checks?.everyMs === other.checks?.everyMs
  );
}

/** An instance may get another port by a restart, although its id has the old one. */
function hasSameAddress(
  { address: one, name }: EndpointSnapshot,
  { address: other, name: otherName }: EndpointSnapshot,
): boolean {
  if (name !== otherName || one.kind !== other.kind) return false;
  if (one.kind === 'unix') return other.kind === 'unix' && one.path === other.path;
  return other.kind === 'tcp' && one.host === other.host && one.port === other.port;
}

interface StateSince {
  readonly state: EndpointState;
  readonly sinceInstant: number;
}

/**
 * Since when endpoints have been in the states that workers and people are told. A state is the result of checks, traffic, operators and the endpoint
 * itself, each of which knows its own times alone: an endpoint whose checks have passed for hours is healthy since its ejection ended.
 */
export class EndpointSince {
  readonly #known = new Map<UpstreamId, ReadonlyMap<EndpointId, StateSince>>();

  /** Remembers the states that all endpoints of an upstream have now. */
  note(upstream: UpstreamId, endpoints: readonly EndpointSnapshot[], now: Instant): void {
    const known = this.#known.get(upstream);
    this.#known.set(upstream, new Map(endpoints.map((one) => [one.id, since(one, known?.get(one.id), now)])));
  }

  /** The endpoints with these times. */
  adjust(upstream: UpstreamId, endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    const known = this.#known.get(upstream);
    if (known === undefined) return endpoints;
    return endpoints.map((endpoint) => {
      const one = known.get(endpoint.id);
      return one?.state === endpoint.state && one.sinceInstant > endpoint.sinceInstant
        ? { ...endpoint, sinceInstant: one.sinceInstant }
        : endpoint;
    });
  }

  /** Forgets all other upstreams. */
  keepOnly(upstreams: readonly { readonly id: UpstreamId }[]): void {
    const wanted = new Set(upstreams.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!wanted.has(id)) this.#known.delete(id);
  }
}

function since({ state, sinceInstant }: EndpointSnapshot, known: StateSince | undefined, now: Instant): StateSince {
  if (known === undefined) return { state, sinceInstant };
  if (known.state !== state) return { state, sinceInstant: now };
  // An instance that starts anew may have been in the same state before.
  return { state, sinceInstant: Math.max(known.sinceInstant, sinceInstant) };
}
