import type { ClientFacts } from '../core/exchange.ts';
import type { RequestHead } from '../core/message.ts';
import type { Instant } from '../core/time.ts';

/** What a balancer sees of an endpoint. */
export interface BalancedEndpoint {
  readonly id: string;
  /** Its share of the requests, relative to the weights of the others. */
  readonly weight: number;
  /** Where it runs, such as a data centre; '' where the configuration does not say. */
  readonly zone: string;
  /** Endpoints with a lower number get requests first. */
  readonly priority: number;
  /** Requests in flight, those included that wait for a connection. */
  readonly load: number;
  /** Whether a request would not have to wait for a connection, as far as this worker can tell. */
  readonly hasRoom: boolean;
}

/** What of a request a balancer may go by. An exchange has these properties, so that no object is made. */
export interface RequestFacts {
  readonly method: string;
  readonly target: string;
  readonly request: Pick<RequestHead, 'fields'>;
  readonly client: Pick<ClientFacts, 'address'>;
}

/** The facts of the request for which an endpoint is picked. The balancer must not keep the object: it is used again. */
export interface BalancerContext<E> {
  readonly method: string;
  /** The path as the client sent it, without the query. */
  readonly path: string;
  /** The value of a request header; `name` is lowercase; null when there is none. */
  header(name: string): string | null;
  readonly clientAddress: string;
  /** The endpoints of earlier attempts at this request. */
  readonly tried: readonly E[];
  readonly now: Instant;
}

/**
 * Picks the endpoint of an attempt. `update` prepares whatever a pick needs; a pick is on the path of each request and
 * must not allocate.
 */
export interface Balancer<E extends BalancedEndpoint> {
  /**
   * These endpoints may be picked from now on. Either all have a weight above 0, or all have 0. It is called again when
   * one of them changes.
   */
  update(endpoints: readonly E[]): void;
  /** One that was not tried yet where there is one; null only where `update` gave no endpoint. */
  pick(context: BalancerContext<E>): E | null;
}

/** Makes the balancer of one upstream, for one priority. */
export type CreateBalancer = <E extends BalancedEndpoint>() => Balancer<E>;

export function withoutTried<E>(endpoints: readonly E[], tried: readonly E[]): readonly E[] {
  return endpoints.filter((endpoint) => !tried.includes(endpoint));
}
