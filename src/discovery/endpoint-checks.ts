import { drainSignalOf } from '../features/drain-signal/settings.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { EndpointAddress, EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { ServerCertificate } from '../core/transport.ts';
import type { SourceEndpoint } from './endpoint-source.ts';
import { type TroubledCount, WatchedEndpoint, type CheckContext } from './watched-endpoint.ts';

/**
 * `refused`: nothing listened there. `certificate`: what the endpoint has shown; null: none. `drain`: why it wants no new requests; null: it wants them;
 * undefined: not known.
 */
export type OnEndpointChecked = (
  endpoint: EndpointId,
  refused: boolean,
  certificate: ServerCertificate | null,
  drain: string | null | undefined,
) => void;

interface EndpointChecksParts {
  readonly checkContext: CheckContext;
  /** The checks of an endpoint of the upstream have changed its state, or the reason of a state that keeps requests away. */
  readonly onChange: (upstream: UpstreamId) => void;
  /** A check of an endpoint has ended. */
  readonly onChecked: OnEndpointChecked;
}

/** The health checks of all endpoints whose source leaves their health to checks. */
export class EndpointChecks {
  readonly #parts: EndpointChecksParts;
  /** By upstream and key: an endpoint that is checked in two ways, before and after a reload, is watched twice for a while. */
  readonly #watched = new Map<UpstreamId, Map<string, WatchedEndpoint>>();
  readonly #keys = new Map<EndpointId, { readonly upstream: UpstreamId; readonly key: string }>();
  readonly #troubled: TroubledCount = { troubled: 0 };
  readonly #checkTexts = new WeakMap<UpstreamSpec, string>();

  constructor(parts: EndpointChecksParts) {
    this.#parts = parts;
  }

  /** Checks these endpoints of an upstream, and no others: those that it has, and will have when what is prepared is active. */
  watch(upstream: UpstreamId, endpoints: readonly (readonly [spec: UpstreamSpec, endpoint: SourceEndpoint])[]): void {
    const watched = this.#watched.get(upstream) ?? new Map<string, WatchedEndpoint>();
    this.#watched.set(upstream, watched);
    const wanted = new Set<string>();
    for (const [spec, endpoint] of endpoints) {
      if (endpoint.health === 'checked' && spec.check.kind !== 'none') {
        wanted.add(this.#watchOne(watched, spec, endpoint));
      }
    }
    for (const [key, endpoint] of watched) {
      if (wanted.has(key)) continue;
      endpoint.stop();
      watched.delete(key);
    }
    this.#forgetStopped();
  }

  /** Stops the checks of all other upstreams. */
  keepOnly(upstreams: ReadonlySet<UpstreamId>): void {
    for (const upstream of this.#watched.keys()) {
      if (upstreams.has(upstream)) continue;
      this.watch(upstream, []);
      this.#watched.delete(upstream);
    }
  }

  /** The checks of an endpoint, as the upstream asks for them; undefined where it is not checked. */
  find(spec: UpstreamSpec, endpoint: EndpointId): WatchedEndpoint | undefined {
    return this.#watched.get(spec.id)?.get(this.#keyOf(spec, endpoint));
  }

  isReady(spec: UpstreamSpec, endpoint: EndpointId): boolean {
    const watched = this.find(spec, endpoint);
    return watched === undefined ? spec.check.kind === 'none' : watched.state === 'healthy';
  }

  /** A request was refused a connection by the endpoint. */
  suspect(endpoint: EndpointId): void {
    this.#watchedOf(endpoint)?.suspect();
  }

  /** See `WatchedEndpoint.expectEnd`. */
  expectEnd(endpoint: EndpointId): void {
    this.#watchedOf(endpoint)?.expectEnd();
  }

  #watchedOf(endpoint: EndpointId): WatchedEndpoint | undefined {
    const known = this.#keys.get(endpoint);
    return known === undefined ? undefined : this.#watched.get(known.upstream)?.get(known.key);
  }

  /** Whether each check has ended once. */
  get isSettled(): boolean {
    for (const watched of this.#watched.values()) {
      for (const { state } of watched.values()) if (state === 'unknown') return false;
    }
    return true;
  }

  stop(): void {
    this.keepOnly(new Set());
  }

  #watchOne(watched: Map<string, WatchedEndpoint>, spec: UpstreamSpec, endpoint: SourceEndpoint): string {
    const { id, address, name, secondAddress } = endpoint;
    const { check, tls, proxyProtocol, protocol, id: upstream } = spec;
    const drainSignal = drainSignalOf(spec.features);
    const key = this.#keyOf(spec, id);
    if (check.kind === 'none') return key;
    this.#keys.set(id, { upstream, key });
    const target = {
      address: addressToCheck(address, check.port),
      ...(name === undefined ? {} : { name, secondAddress: secondAddress ?? null }),
      tls,
      ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
      ...(protocol === undefined ? {} : { protocol }),
      ...(drainSignal === undefined ? {} : { drainSignal }),
      check,
    };
    const known = watched.get(key);
    if (known !== undefined) {
      known.target = target;
      return key;
    }
    const created = new WatchedEndpoint(
      target,
      this.#parts.checkContext,
      {
        onChange: () => this.#parts.onChange(upstream),
        onChecked: (...result) => this.#parts.onChecked(id, ...result),
      },
      this.#troubled,
    );
    watched.set(key, created);
    created.start();
    return key;
  }

  /** A reload that changes how endpoints are checked begins anew with them. */
  #keyOf(spec: UpstreamSpec, endpoint: EndpointId): string {
    let text = this.#checkTexts.get(spec);
    if (text === undefined) {
      text = JSON.stringify([spec.check, spec.tls, spec.proxyProtocol, spec.protocol]);
      this.#checkTexts.set(spec, text);
    }
    return `${endpoint}/${text}`;
  }

  #forgetStopped(): void {
    for (const [id, { upstream, key }] of this.#keys) {
      if (this.#watched.get(upstream)?.has(key) !== true) this.#keys.delete(id);
    }
  }
}

function addressToCheck(address: EndpointAddress, port: number | undefined): EndpointAddress {
  return port === undefined || address.kind === 'unix' ? address : { ...address, port };
}
