import type { ListenerSpec, RouteSpec } from '../core/configuration.ts';
import type { Filter } from '../core/filter.ts';
import { hstsFilter } from '../filters/hsts.ts';
import { httpsRedirectFilter } from '../filters/https-redirect.ts';
import { findByHost } from './listener-hosts.ts';

/**
 * The filters that routes have because a listener speaks TLS, before their own. A route that reports readiness has none:
 * load balancers ask it in clear text. `isObtained`: whether there is a certificate for a host that awaits one.
 */
export function listenerFilters(
  listeners: readonly ListenerSpec[],
  isObtained: (host: string) => boolean,
): (route: RouteSpec) => readonly Filter[] {
  const ports = new Map<string, number>();
  /** For names whose certificates are obtained automatically: until one is there, their requests go on in clear text. */
  const awaitedPorts = new Map<string, number>();
  /** By the listener, for each name of its certificates. */
  const hsts = new Map<string, ReadonlyMap<string, number>>();
  for (const { id, tls } of listeners) {
    if (tls === null) continue;
    const ofFiles = tls.certificates.flatMap((certificate) => certificate.names);
    const awaited = tls.automatic?.hosts ?? [];
    const names = [...ofFiles, ...awaited];
    const seconds = tls.hstsSeconds;
    if (seconds !== null) hsts.set(id, new Map(names.map((name) => [name, seconds])));
    if (tls.redirectPort === null) continue;
    for (const name of ofFiles) if (!ports.has(name)) ports.set(name, tls.redirectPort);
    for (const name of awaited) if (!awaitedPorts.has(name)) awaitedPorts.set(name, tls.redirectPort);
  }
  const filters: Filter[] = [];
  const portOf = (host: string): number | null =>
    findByHost(ports, host) ?? (isObtained(host) ? (findByHost(awaitedPorts, host) ?? null) : null);
  if (ports.size + awaitedPorts.size > 0) filters.push(httpsRedirectFilter(portOf));
  if (hsts.size > 0)
    filters.push(
      hstsFilter((listener, host) => findByHost(hsts.get(listener) ?? new Map<string, number>(), host) ?? null),
    );
  return ({ action }) => (action.kind === 'readiness' ? [] : filters);
}
