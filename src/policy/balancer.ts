import type { ClientFacts } from '../core/exchange.ts';
import type { RequestHead } from '../core/message.ts';
import type { Instant } from '../core/time.ts';
import type { PeakLatency } from './peak-latency.ts';

/** What a balancer sees of an endpoint. */
export interface BalancedEndpoint {
  readonly id: string;
  /** Its share of the requests, relative to the weights of the other endpoints. */
  readonly weight: number;
  /** Where it runs, for example a data centre; '' if the configuration does not say. */
  readonly zone: string;
  /** Endpoints with a lower number get requests first. */
  readonly priority: number;
  /** Requests in flight, including requests that wait for a connection. */
  readonly load: number;
  /** Its failures of the last seconds, as requests in flight (`failure-load.ts`); absent: none. */
  readonly failureLoad?: number;
  /** When it became ready for requests; absent: a long time ago. */
  readonly readySince?: Instant | undefined;
  /** Whether a request would get a connection without waiting, as far as this worker knows. */
  readonly hasRoom: boolean;
  /** How long its requests have taken in this worker; null if the upstream's balancer does not go by it. */
  readonly latency?: PeakLatency | null;
}

/**
 * The properties of a request that a `BalancerContext` is made from. `Exchange` has these properties and is passed as it
 * is, so that no object is created for each request.
 */
export interface RequestFacts {
  readonly method: string;
  readonly target: string;
  /** The id of its route; absent: not known. */
  readonly route?: string;
  readonly request: Pick<RequestHead, 'headers'>;
  readonly client: Pick<ClientFacts, 'address' | 'connection'>;
}

/** The request for which an endpoint is picked, as a balancer sees it. The balancer must not keep the object, which is reused. */
export interface BalancerContext<E> {
  readonly method: string;
  /** The path in its normal form, without the query: the spelling by which routes are found. */
  readonly path: string;
  /** The value of a request header; null if the request does not have it. `name` is lowercase. */
  header(name: string): string | null;
  /** Each line of a request header, in order. `name` is lowercase. */
  eachHeader(name: string, visit: (value: string) => void): void;
  readonly clientAddress: string;
  /** The endpoints of earlier attempts at this request. */
  readonly tried: readonly E[];
  readonly now: Instant;
}

/**
 * Picks the endpoint of an attempt. `pick` is called for each attempt and must not allocate; `update` prepares the data that
 * `pick` needs.
 */
export interface Balancer<E extends BalancedEndpoint> {
  /**
   * Sets the endpoints that may be picked. Called again when one of them changes. Either all weights are above 0, or all are
   * 0; if all are 0, the balancer treats them as equal. `staying` get no requests but those of their sessions; a balancer without sessions
   * ignores them.
   */
  update(endpoints: readonly E[], staying?: readonly E[]): void;
  /** Returns an endpoint that is not in `tried`, if there is one; otherwise any endpoint. Null only if there are no endpoints. */
  pick(context: BalancerContext<E>): E | null;
  /** Whether the request belongs to one endpoint, so that no other one should get it to show that it works. Absent: none does. */
  hasSession?(context: BalancerContext<E>): boolean;
}

/** The same request for a second pick, with more endpoints to leave out. */
export class SecondPick<E> implements BalancerContext<E> {
  readonly #first: BalancerContext<E>;
  readonly tried: readonly E[];

  constructor(first: BalancerContext<E>, tried: readonly E[]) {
    this.#first = first;
    this.tried = tried;
  }

  get method(): string {
    return this.#first.method;
  }

  get path(): string {
    return this.#first.path;
  }

  get clientAddress(): string {
    return this.#first.clientAddress;
  }

  get now(): Instant {
    return this.#first.now;
  }

  header(name: string): string | null {
    return this.#first.header(name);
  }

  eachHeader(name: string, visit: (value: string) => void): void {
    this.#first.eachHeader(name, visit);
  }
}

/** Creates the balancer for the endpoints of one upstream that have the same priority. */
export type CreateBalancer = <E extends BalancedEndpoint>() => Balancer<E>;

export function withoutTried<E>(endpoints: readonly E[], tried: readonly E[]): readonly E[] {
  return endpoints.filter((endpoint) => !tried.includes(endpoint));
}

/** Puts another balancer around that of the endpoints of one upstream that have the same priority. */
export type AroundBalancer = <E extends BalancedEndpoint>(inner: Balancer<E>) => Balancer<E>;

/** Picks the endpoint of requests that belong to one, and leaves the others to the balancer of the upstream. */
export interface OuterBalancer {
  around<E extends BalancedEndpoint>(inner: Balancer<E>): Balancer<E>;
  /** An endpoint that drains gets the requests that belong to it. */
  readonly keepsDraining: boolean;
}
