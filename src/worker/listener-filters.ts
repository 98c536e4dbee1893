import type { ListenerSpec, OnDemandTls } from '../core/listener-spec.ts';
import type { Filter } from '../core/filter.ts';
import { isOnDemandName } from '../core/on-demand.ts';
import { hstsFilter } from '../filters/hsts.ts';
import { httpsRedirectFilter } from '../filters/https-redirect.ts';
import { findByHost } from './listener-hosts.ts';

interface ListenerOnDemand {
  readonly id: string;
  readonly onDemand: OnDemandTls;
  readonly seconds: number | null;
  readonly port: number | null;
}

/**
 * The filters that routes have because a listener speaks TLS, before their own. Routes for checks have none of them. `isObtained`: whether there is a certificate for a host that awaits one.
 */
export function listenerFilters(
  listeners: readonly ListenerSpec[],
  isObtained: (host: string) => boolean,
): readonly Filter[] {
  const ports = new Map<string, number>();
  /** For names whose certificates are obtained automatically: until one is there, their requests go on in clear text. */
  const awaitedPorts = new Map<string, number>();
  /** By the listener, for each name of its certificates. */
  const hsts = new Map<string, ReadonlyMap<string, number>>();
  const listenersOnDemand: ListenerOnDemand[] = [];
  for (const { id, tls } of listeners) {
    if (tls === null) continue;
    const ofFiles = tls.certificates.flatMap((certificate) => certificate.names);
    const awaited = tls.automatic?.hosts ?? [];
    const names = [...ofFiles, ...awaited];
    const seconds = tls.hstsSeconds;
    if (seconds !== null) hsts.set(id, new Map(names.map((name) => [name, seconds])));
    const onDemand = tls.automatic?.kind === 'acme' ? tls.automatic.onDemand : null;
    if (onDemand !== null) listenersOnDemand.push({ id, onDemand, seconds, port: tls.redirectPort });
    if (tls.redirectPort === null) continue;
    for (const name of ofFiles) if (!ports.has(name)) ports.set(name, tls.redirectPort);
    for (const name of awaited) if (!awaitedPorts.has(name)) awaitedPorts.set(name, tls.redirectPort);
  }
  const filters: Filter[] = [];
  const portOf = (host: string): number | null =>
    findByHost(ports, host) ?? (isObtained(host) ? (findByHost(awaitedPorts, host) ?? portOnDemand(host)) : null);
  const portOnDemand = (host: string): number | null =>
    listenersOnDemand.find(({ onDemand }) => isOnDemandName(onDemand, host))?.port ?? null;
  const secondsOnDemand = (listener: string, host: string): number | null => {
    const found = listenersOnDemand.find(({ id }) => id === listener) ?? null;
    return found !== null && isObtained(host) && isOnDemandName(found.onDemand, host) ? found.seconds : null;
  };
  if (ports.size + awaitedPorts.size + listenersOnDemand.length > 0) filters.push(httpsRedirectFilter(portOf));
  if (hsts.size > 0)
    filters.push(
      hstsFilter(
        (listener, host) =>
          findByHost(hsts.get(listener) ?? new Map<string, number>(), host) ?? secondsOnDemand(listener, host),
      ),
    );
  return filters;
}
