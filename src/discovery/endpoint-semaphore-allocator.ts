import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import { fail } from '../core/failure.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { SharedCounts } from '../limits/shared-counts.ts';

/** Endpoints come and go with lookups and deploys, which take seconds. */
const retryAfterS = 10;

/** Gives each endpoint the cells where all workers count what they have there. */
export class EndpointSemaphoreAllocator {
  readonly #shared: Pick<SharedCounts, 'allocate' | 'keepOnly' | 'memory'>;
  /** Those that workers were last told of. */
  readonly #known = new Map<UpstreamId, readonly EndpointId[]>();

  constructor(shared: Pick<SharedCounts, 'allocate' | 'keepOnly' | 'memory'>) {
    this.#shared = shared;
  }

  /** Other upstreams are no more, and their endpoints' cells are free once nobody holds a place there. */
  keepOnly(upstreams: readonly { readonly id: UpstreamId }[]): void {
    const wanted = new Set(upstreams.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!wanted.has(id)) this.#known.delete(id);
  }

  /** The endpoints of an upstream as workers are to see them. */
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

  /** Connections that nobody can count have no limit: none are opened. */
  #withSemaphores(upstream: UpstreamId, endpoint: EndpointSnapshot): EndpointSnapshot {
    const semaphores = this.#shared.allocate(endpoint.id);
    if (semaphores !== null) return { ...endpoint, semaphores };
    const limit = this.#shared.memory.endpointsMax;
    const reason = `the gateway counts connections to ${limit} endpoints at most, and this is one more`;
    const failure = fail('too_many_endpoints', 'route', { upstream, limit, retryAfterS });
    return { ...endpoint, state: 'unhealthy', reason, failure };
  }
}
