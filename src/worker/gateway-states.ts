import type { EndedExchange } from '../core/exchange.ts';
import { endpointConditionsMax, type GatewayState, type QueueState } from '../core/gateway-state.ts';
import type { LiveUpstream } from '../upstream/upstream.ts';
import type { RequestBounds } from './request-bounds.ts';
import type { RouteBreakers } from './route-breakers.ts';

/** Exchanges of older revisions end within minutes; only tunnels last for longer. */
const revisionsMax = 64;

export interface GatewayStatesParts {
  readonly upstreams: ReadonlyMap<string, LiveUpstream>;
  readonly bounds: RequestBounds;
  readonly breakers: RouteBreakers;
}

/**
 * What this worker knows of the surroundings of an exchange that has just failed. It is read when the record is written, so that exchanges that
 * succeed cost nothing: endpoints, pools, queues and breakers are those of that moment.
 */
export class GatewayStates {
  readonly #parts: GatewayStatesParts;
  /** Hashes of configurations by their revision, the newest last. */
  readonly #hashes = new Map<number, string>();

  constructor(parts: GatewayStatesParts) {
    this.#parts = parts;
  }

  /** The configuration of this revision is active from now on. */
  use(revision: number, contentHash: string): void {
    this.#hashes.set(revision, contentHash);
    const [oldest] = this.#hashes.keys();
    if (this.#hashes.size > revisionsMax && oldest !== undefined) this.#hashes.delete(oldest);
  }

  of({ revision, route, upstream: id, attempts }: EndedExchange): GatewayState {
    const configuration = this.#hashes.get(revision) ?? null;
    const upstream = this.#parts.upstreams.get(id);
    if (upstream === undefined) return { configuration };
    const used = [...new Set(attempts.map(({ endpoint }) => endpoint))].slice(-endpointConditionsMax);
    const { ready, total } = upstream.readiness;
    const breaker = this.#parts.breakers.conditionOf(route) ?? null;
    const queues = this.#queuesOf(route, upstream);
    return {
      configuration,
      ...{ endpoints_ready: ready, endpoints_total: total, endpoints: upstream.conditions(used) },
      ...(breaker === null ? {} : { breaker }),
      ...(queues.length === 0 ? {} : { queues }),
    };
  }

  #queuesOf(route: string, { id, waiting }: LiveUpstream): readonly QueueState[] {
    const queue = `upstream ${id}`;
    const forEndpoint: readonly QueueState[] = waiting === 0 ? [] : [{ queue, for: 'endpoint', waiting }];
    return [...this.#parts.bounds.conditions([`route ${route}`, queue]), ...forEndpoint];
  }
}
