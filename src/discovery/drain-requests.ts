import { addressText, type EndpointId, type UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/** How long an endpoint gets no requests that has said so in a response to one, where no check asks it again. */
const unaskedMs = 30_000;

interface DrainRequestsParts {
  readonly clock: Clock;
  readonly events: EventSink;
  /** The endpoints of an upstream as their checks see them; null: it is not active. */
  readonly endpoints: (upstream: UpstreamId) => ReadonlyMap<EndpointId, EndpointSnapshot> | null;
  /** Whether checks of the upstream hear what its endpoints say about that. */
  readonly checksReceive: (upstream: UpstreamId) => boolean;
  readonly onChange: (upstream: UpstreamId) => void;
}

interface DrainRequest {
  readonly upstream: UpstreamId;
  readonly reason: string;
  readonly since: Instant;
  readonly timer: Timer | null;
  /** A check was refused a connection: the program that has said so has ended. */
  hasEnded: boolean;
}

/** Endpoints that have said that they want no new requests. Their requests in flight finish; they come back when a check hears nothing of it any more. */
export class DrainRequests {
  readonly #parts: DrainRequestsParts;
  readonly #requests = new Map<EndpointId, DrainRequest>();

  constructor(parts: DrainRequestsParts) {
    this.#parts = parts;
  }

  /**
   * A check of an endpoint has ended. `reason`: null: it wants requests; undefined: the check says nothing of that. `refused`: nothing listened.
   * What listens there afterwards is another program, whose wish is not known.
   */
  onChecked(upstream: UpstreamId, id: EndpointId, reason: string | null | undefined, refused: boolean): void {
    const request = this.#requests.get(id);
    if (refused && request !== undefined) request.hasEnded = true;
    else if (reason === undefined && request?.hasEnded === true) this.#end(id, 'the program that said so has ended');
    if (reason === undefined) return;
    if (reason === null) this.#end(id, 'it wants requests again');
    else this.#begin(upstream, id, reason, null);
  }

  /** The endpoint has said so in a response to a request. */
  onResponse(upstream: UpstreamId, id: EndpointId): void {
    if (this.#requests.has(id)) return;
    const { clock, checksReceive } = this.#parts;
    const again = (due: { requests: DrainRequests; id: EndpointId }): void =>
      due.requests.#end(due.id, `it has got no requests for ${unaskedMs / 1000} s, and is tried again`);
    const at = after(clock.now(), unaskedMs);
    const timer = checksReceive(upstream) ? null : clock.schedule(at, again, { requests: this as DrainRequests, id });
    this.#begin(upstream, id, 'its response to a request says so', timer);
  }

  #begin(upstream: UpstreamId, id: EndpointId, why: string, timer: Timer | null): void {
    const endpoint = this.#parts.endpoints(upstream)?.get(id);
    if (endpoint === undefined || this.#requests.has(id)) return timer?.cancel();
    const reason = `it wants no new requests: ${why}`;
    this.#requests.set(id, { upstream, reason, since: this.#parts.clock.now(), timer, hasEnded: false });
    if (mayDrain(endpoint)) this.#emit(endpoint, endpoint.state, 'draining', reason);
    this.#parts.onChange(upstream);
  }

  #end(id: EndpointId, reason: string): void {
    const request = this.#requests.get(id);
    if (request === undefined) return;
    request.timer?.cancel();
    this.#requests.delete(id);
    const endpoint = this.#parts.endpoints(request.upstream)?.get(id);
    if (endpoint !== undefined && mayDrain(endpoint)) this.#emit(endpoint, 'draining', endpoint.state, reason);
    this.#parts.onChange(request.upstream);
  }

  #emit(
    { id, address }: EndpointSnapshot,
    from: EndpointSnapshot['state'],
    to: EndpointSnapshot['state'],
    reason: string,
  ): void {
    const evidence = { address: addressText(address), check: 'drain_signal' };
    this.#parts.events.emit({ kind: 'endpoint_state', subject: `endpoint:${id}`, from, to, reason, evidence });
  }

  adjust(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    if (this.#requests.size === 0) return endpoints;
    return endpoints.map((endpoint) => {
      const request = this.#requests.get(endpoint.id);
      if (request === undefined || !mayDrain(endpoint)) return endpoint;
      return { ...endpoint, state: 'draining', reason: request.reason, sinceInstant: request.since };
    });
  }

  /** Endpoints, and upstreams that listen to them, have been removed. */
  keepOnly(isKept: (upstream: UpstreamId, id: EndpointId) => boolean): void {
    for (const [id, { upstream, timer }] of this.#requests) {
      if (isKept(upstream, id)) continue;
      timer?.cancel();
      this.#requests.delete(id);
    }
  }

  stop(): void {
    this.keepOnly(() => false);
  }
}

/** Others get no requests in any case, for a reason that says more. */
function mayDrain({ state }: EndpointSnapshot): boolean {
  return state === 'healthy' || state === 'unchecked' || state === 'unknown';
}
