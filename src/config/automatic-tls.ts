/** Which certificates the gateway is to obtain by itself for a listener, and how. */
import { isHostPattern } from '../core/host-match.ts';
import type { ChallengeKind, OnDemandTls } from '../core/listener-spec.ts';
import type { AutomaticTlsRead } from './automatic-tls-schema.ts';
import type { Draft } from './draft.ts';
import type { ListenerTlsRead } from './listener-schema.ts';
import { listenAddressOf } from './review-addresses.ts';
import { tlsOfListener } from './wanted-files.ts';

/** What is written under `auto`; null: certificates are not obtained from CAs. */
export function automaticSettings({ auto }: ListenerTlsRead): AutomaticTlsRead | null {
  if (auto === undefined || auto === false) return null;
  return auto === true ? {} : auto;
}

/** The hosts that no certificate from a file has. `names`: those that these certificates have. */
export function automaticHosts(tls: ListenerTlsRead, draft: Draft, names: readonly string[]): readonly string[] {
  const settings = automaticSettings(tls);
  if (settings === null && tls.internal !== true) return [];
  const ofRoutes = [...draft.routes.values()].flatMap(({ host }) => host ?? []).filter((host) => !isHostPattern(host));
  const has = new Set(names);
  // Their names get certificates one by one.
  const isLeftOut = (host: string): boolean =>
    settings?.on_demand !== undefined && host.startsWith('*.') && !challengesOf(settings, draft).includes('dns-01');
  const wanted = settings?.hosts ?? ofRoutes.filter((host) => !isLeftOut(host));
  return [...new Set(wanted)].filter((host) => !has.has(host) && !has.has(wildcardOf(host)));
}

/** Null: names that no route has literally get no certificate. */
export function onDemandOf({ on_demand }: AutomaticTlsRead, draft: Draft): OnDemandTls | null {
  if (on_demand === undefined) return null;
  const hosts = [...draft.routes.values()].map(({ host }) => host ?? []);
  const servesAll = draft.routes.size === 0 || hosts.some((some) => some.length === 0);
  const wildcards = hosts.flat().filter((host) => host.startsWith('*.'));
  return {
    routes: servesAll ? null : [...new Set(wildcards)],
    allow: on_demand.allow ?? [],
    ask: on_demand.ask ?? null,
  };
}

/** One certificate of a wildcard has all names one level below (RFC 6125 §6.4.3). */
function wildcardOf(host: string): string {
  const dot = host.indexOf('.');
  return host.startsWith('*.') || dot === -1 ? host : `*${host.slice(dot)}`;
}

/** How names are proven, the preferred way first. */
export function challengesOf({ challenges, dns_hook }: AutomaticTlsRead, draft: Draft): readonly ChallengeKind[] {
  if (challenges !== undefined) return [...new Set(challenges)];
  if (dns_hook !== undefined) return ['dns-01'];
  const ports = challengePortsOf(draft);
  if (ports['http-01'].length === 0) return ['tls-alpn-01'];
  // First what a CA can reach.
  const isTlsFirst = !ports['http-01'].includes(80) && ports['tls-alpn-01'].includes(443);
  return isTlsFirst ? ['tls-alpn-01', 'http-01'] : ['http-01', 'tls-alpn-01'];
}

/** The ports of the listeners that can answer each challenge. */
export function challengePortsOf(draft: Draft): Readonly<Record<'http-01' | 'tls-alpn-01', readonly number[]>> {
  const all = [...draft.listeners.values()].map((listener) => {
    const tls = tlsOfListener(listener);
    const isPlain = tls === null;
    return { isPlain, isAutomatic: tls !== null && automaticSettings(tls) !== null, ...listenAddressOf(listener) };
  });
  return {
    'http-01': all.filter(({ isPlain }) => isPlain).map(({ port }) => port),
    'tls-alpn-01': all.filter(({ isAutomatic }) => isAutomatic).map(({ port }) => port),
  };
}
