import type { UpstreamId } from '../core/endpoint.ts';
import type { EndpointSnapshot, UpstreamDelta } from '../core/snapshot.ts';

/** What workers are to be told of the endpoints of one upstream. */
export type EndpointDelta = Pick<UpstreamDelta, 'whole' | 'endpoints'>;

/**
 * Finds out what workers have not been told yet of endpoints, so that they are told when one of them changes, and of that
 * one alone: with 200 endpoints, a post of all of them costs main and each worker a millisecond.
 */
export class EndpointDeltas {
  readonly #sent = new Map<UpstreamId, readonly EndpointSnapshot[]>();

  /** What is new in `endpoints`, all of the upstream's; null: nothing. They are taken for told. */
  changesOf(upstream: UpstreamId, endpoints: readonly EndpointSnapshot[]): EndpointDelta | null {
    const sent = this.#sent.get(upstream);
    if (sent === undefined || !haveSameIds(endpoints, sent)) return this.all(upstream, endpoints);
    const changed = endpoints.filter((endpoint, index) => !isSameForWorkers(endpoint, sent[index] as EndpointSnapshot));
    if (changed.length === 0) return null;
    this.#sent.set(upstream, endpoints);
    return { whole: false, endpoints: changed };
  }

  /** For workers of which it is not known what they have been told: all of them. */
  all(upstream: UpstreamId, endpoints: readonly EndpointSnapshot[]): EndpointDelta {
    this.#sent.set(upstream, endpoints);
    return { whole: true, endpoints };
  }

  /** Other upstreams are no more. */
  keepOnly(upstreams: readonly { readonly id: UpstreamId }[]): void {
    const wanted = new Set(upstreams.map(({ id }) => id));
    for (const id of this.#sent.keys()) if (!wanted.has(id)) this.#sent.delete(id);
  }
}

/** None is new, none is gone, and they stand where they stood. */
function haveSameIds(endpoints: readonly EndpointSnapshot[], sent: readonly EndpointSnapshot[]): boolean {
  return endpoints.length === sent.length && endpoints.every(({ id }, index) => id === sent[index]?.id);
}

/**
 * Whether a worker would do and say the same. When the next check is due is no news: a worker that was told it once goes
 * on from there (`healthyInMs`). Where it is told of something else, such as the end of a pause, `sinceInstant` differs.
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
    one.release === other.release &&
    one.exit?.atInstant === other.exit?.atInstant &&
    one.exit?.lastLine === other.exit?.lastLine &&
    hasSameAddress(one, other)
  );
}

/** Why an endpoint gets requests nobody is told by a worker, and many a check that fails does not take one out. */
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

/** The port of an instance may be another one after a restart, although its id says the old one. */
function hasSameAddress(
  { address: one, name }: EndpointSnapshot,
  { address: other, name: otherName }: EndpointSnapshot,
): boolean {
  if (name !== otherName || one.kind !== other.kind) return false;
  if (one.kind === 'unix') return other.kind === 'unix' && one.path === other.path;
  return other.kind === 'tcp' && one.host === other.host && one.port === other.port;
}
