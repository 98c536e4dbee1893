import type { ListenerSpec, RouteSpec } from '../core/configuration.ts';
import type { Filter } from '../core/filter.ts';
import { hstsFilter } from '../filters/hsts.ts';
import { httpsRedirectFilter } from '../filters/https-redirect.ts';
import { findByHost } from './listener-hosts.ts';

/**
 * The filters that routes have because a listener speaks TLS, before their own. A route that reports readiness has none:
 * load balancers ask it in clear text.
 */
export function listenerFilters(listeners: readonly ListenerSpec[]): (route: RouteSpec) => readonly Filter[] {
  const ports = new Map<string, number>();
  /** By the listener, for each name of its certificates. */
  const hsts = new Map<string, ReadonlyMap<string, number>>();
  for (const { id, tls } of listeners) {
    if (tls === null) continue;
    const names = [...tls.certificates.flatMap((certificate) => certificate.names), ...(tls.automatic?.hosts ?? [])];
    const seconds = tls.hstsSeconds;
    if (seconds !== null) hsts.set(id, new Map(names.map((name) => [name, seconds])));
    if (tls.redirectPort === null) continue;
    for (const name of names) if (!ports.has(name)) ports.set(name, tls.redirectPort);
  }
  const filters: Filter[] = [];
  if (ports.size > 0) filters.push(httpsRedirectFilter((host) => findByHost(ports, host) ?? null));
  if (hsts.size > 0)
    filters.push(
      hstsFilter((listener, host) => findByHost(hsts.get(listener) ?? new Map<string, number>(), host) ?? null),
    );
  return ({ action }) => (action.kind === 'readiness' ? [] : filters);
}
