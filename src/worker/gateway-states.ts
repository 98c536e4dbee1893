import type { EndedExchange } from '../core/exchange.ts';
import { endpointConditionsMax } from '../core/gateway-state.ts';
import type { GatewayState, QueueState } from '../core/schemas/gateway-state.ts';
import type { LiveUpstream } from '../upstream/upstream.ts';
import type { FeatureParts } from './feature-parts.ts';

/** Exchanges of older revisions end within minutes; only tunnels last for longer. */
const revisionsMax = 64;

interface GatewayStatesParts {
  readonly upstreams: ReadonlyMap<string, LiveUpstream>;
  readonly features: FeatureParts;
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
    const { breaker, queues: turns = [] } = this.#parts.features.conditionsOf([
      { kind: 'route', id: route },
      { kind: 'upstream', id },
    ]);
    const queues = [...turns, ...waitingForEndpoint(upstream)];
    return {
      configuration,
      ...{ endpoints_ready: ready, endpoints_total: total, endpoints: upstream.conditions(used) },
      ...(breaker === undefined ? {} : { breaker }),
      ...(queues.length === 0 ? {} : { queues }),
    };
  }
}

function waitingForEndpoint({ id, waiting }: LiveUpstream): readonly QueueState[] {
  return waiting === 0 ? [] : [{ queue: `upstream ${id}`, for: 'endpoint', waiting }];
}
