/** Whether clients of a TLS listener can reach the hosts of the routes. */
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { quoted } from '../schema/error-detail.ts';
import { itemPath } from './wanted-files.ts';

/** What a listener with TLS can show. */
export interface ListenerNames {
  readonly listener: string;
  readonly names: readonly string[];
  /** Hosts are listed apart from the routes. */
  readonly hasOwnHosts: boolean;
  /** Clients that ask for another name are shown a certificate as well, or one is obtained for them. */
  readonly servesOthers: boolean;
}

/** A host may be for clear text alone: only one that no listener with TLS can show a certificate for is doubtful. */
export function reviewHostCertificates(all: readonly ListenerNames[], draft: Draft, collector: ErrorCollector): void {
  const [first] = all;
  if (first === undefined || all.some(({ servesOthers }) => servesOthers)) return;
  const names = new Set(all.flatMap((one) => one.names));
  for (const [at, { host, readiness }] of draft.routes) {
    if (readiness !== undefined) continue;
    for (const [index, one] of (host ?? []).entries()) {
      if (isAddress(one) || isShown(one, names)) continue;
      collector.warnAtValue(
        itemPath(draft, ['routes', at, 'host'], index),
        `no listener with TLS has a certificate for ${quoted(one)}: its handshakes are refused`,
        suggestCertificate(all.find(({ hasOwnHosts }) => hasOwnHosts) ?? first),
      );
    }
  }
}

function suggestCertificate({ listener, hasOwnHosts }: ListenerNames): string {
  return hasOwnHosts
    ? `add it to "hosts" under "auto" of the listener ${quoted(listener)}, or add a certificate that has it`
    : `add one under "certificates" of the listener ${quoted(listener)}, or let it be obtained there ("auto" or "internal")`;
}

function isShown(host: string, names: ReadonlySet<string>): boolean {
  if (names.has(host)) return true;
  // Of a wildcard some names may be served.
  if (host.startsWith('*.')) return [...names].some((name) => name.endsWith(host.slice(1)));
  const dot = host.indexOf('.');
  return dot !== -1 && names.has(`*${host.slice(dot)}`);
}

function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':');
}
