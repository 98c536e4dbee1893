import { fail, type Failure } from '../core/failure.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import { healthyInMs } from '../policy/health.ts';
import { chooseOfTwo } from '../policy/two-choices.ts';
import { LiveEndpoint } from './endpoint.ts';
import type { UpstreamPorts } from './ports.ts';

/** Without checks nothing says when it will be better; asking again after this is neither rude nor slow. */
const retryAfterDefaultS = 5;

/**
 * A named group of interchangeable endpoints, as this worker knows it. Those that may be chosen stand in an
 * array that is rebuilt when a state changes, which is rare; choosing, which is not, only reads it.
 */
export class LiveUpstream {
  readonly id: string;
  #spec: UpstreamSnapshot;
  readonly #ports: UpstreamPorts;
  #endpoints = new Map<string, LiveEndpoint>();
  #eligible: readonly LiveEndpoint[] = [];

  constructor(spec: UpstreamSnapshot, ports: UpstreamPorts) {
    this.id = spec.id;
    this.#spec = spec;
    this.#ports = ports;
    this.update(spec);
  }

  get application(): string {
    return this.#spec.application ?? '';
  }

  get attemptsMax(): number {
    return this.#spec.attemptsMax;
  }

  get secure(): boolean {
    return this.#spec.tls !== null;
  }

  update(spec: UpstreamSnapshot): void {
    this.#spec = spec;
    this.updateEndpoints(spec.endpoints);
  }

  updateEndpoints(specs: UpstreamSnapshot['endpoints']): void {
    const before = this.#endpoints;
    this.#endpoints = new Map();
    for (const spec of specs) {
      const known = before.get(spec.id);
      known?.update(spec, this.#spec);
      this.#endpoints.set(spec.id, known ?? new LiveEndpoint(spec, this.#spec, this.#ports));
    }
    for (const [id, endpoint] of before) {
      if (this.#endpoints.has(id)) continue;
      endpoint.state = 'gone';
      endpoint.closeIdle();
    }
    this.#eligible = eligibleOf([...this.#endpoints.values()]);
  }

  /** An endpoint for the next attempt: one not tried yet where there is one. Null when none may be chosen. */
  choose(tried: readonly LiveEndpoint[]): LiveEndpoint | null {
    if (tried.length === 0) return chooseOfTwo(this.#eligible, this.#ports.random);
    const fresh = this.#eligible.filter((endpoint) => !tried.includes(endpoint));
    return chooseOfTwo(fresh.length > 0 ? fresh : this.#eligible, this.#ports.random);
  }

  /** Whether another attempt would go somewhere else. */
  hasOther(tried: readonly LiveEndpoint[]): boolean {
    return this.#eligible.some((endpoint) => !tried.includes(endpoint));
  }

  /** Why none may be chosen. */
  unavailable(): Failure {
    const endpoints = [...this.#endpoints.values()];
    const upstream = this.id;
    const starting = endpoints.find((endpoint) => endpoint.state === 'starting');
    const retryAfterS = this.#retryAfterS(endpoints);
    if (starting !== undefined && endpoints.every((endpoint) => endpoint.state === 'starting')) {
      const sinceMs = Math.round(this.#ports.clock.now() - starting.sinceInstant);
      return fail('instance_starting', 'route', { upstream, application: this.application, sinceMs, retryAfterS });
    }
    const why = endpoints.map((endpoint) => `${endpoint.address}: ${endpoint.reason}`).join('; ');
    return fail('no_endpoint_ready', 'route', { upstream, endpoints: endpoints.length, why, retryAfterS });
  }

  /** When checks can bring the first endpoint back: an answer before that would be a guess. */
  #retryAfterS(endpoints: readonly LiveEndpoint[]): number {
    const now = this.#ports.clock.now();
    const rhythms = endpoints.map(({ checks }) => checks).filter((checks) => checks !== null);
    if (rhythms.length === 0) return retryAfterDefaultS;
    return Math.max(1, Math.ceil(Math.min(...rhythms.map((checks) => healthyInMs(checks, now))) / 1000));
  }

  close(): void {
    for (const endpoint of this.#endpoints.values()) {
      endpoint.state = 'gone';
      endpoint.closeIdle();
    }
    this.#eligible = [];
  }
}

/** Healthy ones, and those that nobody checks; while there is none, those whose first check is not back. */
function eligibleOf(endpoints: readonly LiveEndpoint[]): readonly LiveEndpoint[] {
  const ready = endpoints.filter(({ state }) => state === 'healthy' || state === 'unchecked');
  return ready.length > 0 ? ready : endpoints.filter(({ state }) => state === 'unknown');
}
