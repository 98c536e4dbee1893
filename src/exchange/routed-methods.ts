import { fail, type Failure } from '#failures/failure.ts';
import type { RequestHead } from '../core/message.ts';
import type { RoutedClient, ServingRevision } from './ports.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];

/** Whom a route is looked for. */
export interface RoutedExchange {
  readonly request: RequestHead;
  readonly client: RoutedClient;
  readonly serving: ServingRevision;
}

/** The methods that a route takes at the request's target; `*` stands for the whole gateway. */
export function routedMethods({ request, client, serving: { router } }: RoutedExchange): readonly string[] {
  return methods.filter((method) => request.target === '*' || router.route({ ...request, method }, client) !== null);
}

/**
 * No route matches. The status is 404 whatever the other methods are: which methods a resource has (RFC 9110 §15.5.6) its
 * application knows, and the gateway only which ones it forwards.
 */
export function noRouteFailure(exchange: RoutedExchange): Failure {
  const { authority: host, target: path } = exchange.request;
  const others = path === '*' ? [] : routedMethods(exchange);
  return fail('no_route', 'route', { host, path, ...(others.length === 0 ? {} : { allow: others.join(', ') }) });
}
