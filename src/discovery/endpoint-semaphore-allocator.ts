import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import { fail } from '#failures/failure.ts';
import type { EndpointCounters } from '../core/semaphores.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';

/** Endpoints come and go with lookups and deploys, which take seconds. */
const retryAfterS = 10;

/** Gives each endpoint the shared cells in which all workers count its connections. */
export class EndpointSemaphoreAllocator {
  readonly #shared: EndpointCounters;
  /** The endpoints that workers were last sent. */
  readonly #known = new Map<UpstreamId, readonly EndpointId[]>();

  constructor(shared: EndpointCounters) {
    this.#shared = shared;
  }

  /** Forgets other upstreams. The cells of their endpoints are free once all permits are released. */
  keepOnly(upstreams: readonly { readonly id: UpstreamId }[]): void {
    const wanted = new Set(upstreams.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!wanted.has(id)) this.#known.delete(id);
  }

  /** The endpoints of an upstream with their cells, as they are sent to workers. */
  of(upstream: UpstreamId, endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    const known = this.#known.get(upstream);
    if (known?.length !== endpoints.length || endpoints.some(({ id }, index) => id !== known[index])) {
      this.#known.set(
        upstream,
        endpoints.map(({ id }) => id),
      );
      this.#shared.keepOnly(new Set([...this.#known.values()].flat()));
    }
    return endpoints.map((endpoint) => this.#withSemaphores(upstream, endpoint));
  }

  /** An endpoint without cells is unhealthy: connections that are not counted could not be limited. */
  #withSemaphores(upstream: UpstreamId, endpoint: EndpointSnapshot): EndpointSnapshot {
    const semaphores = this.#shared.allocate(endpoint.id);
    if (semaphores !== null) return { ...endpoint, semaphores };
    const limit = this.#shared.endpointsMax;
    const reason = `the gateway counts connections to ${limit} endpoints at most, and this is one more`;
    const failure = fail('too_many_endpoints', 'route', { upstream, limit, retryAfterS });
    return { ...endpoint, state: 'unhealthy', reason, failure };
  }
}
