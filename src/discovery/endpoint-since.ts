import type { EndpointId, EndpointState, UpstreamId } from '../core/endpoint.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Instant } from '../core/time.ts';

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
