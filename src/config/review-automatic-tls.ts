/** Whether the certificates that a listener asks for can be obtained. */
import { automaticHosts, automaticSettings, challengesOf, onDemandOf } from './automatic-tls.ts';
import type { AutomaticTlsRead } from './automatic-tls-schema.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { quoted } from '../schema/error-detail.ts';
import { onDemandHelp } from './explain-word.ts';
import { knownDirectories } from './format/acme-directory.ts';
import type { Path } from '../schema/findings.ts';
import type { ListenerTlsRead } from './listener-schema.ts';
import { reviewChallenges } from './review-challenges.ts';
import { isPublicDirectory, reviewDirectories } from './review-directories.ts';
import { itemPath, tlsOfListener } from './wanted-files.ts';

interface AutomaticReview {
  readonly collector: ErrorCollector;
}

/** `names`: those of the certificates from files. */
export function reviewAutomatic(
  tls: ListenerTlsRead,
  names: readonly string[],
  at: Path,
  draft: Draft,
  { collector }: AutomaticReview,
): void {
  const settings = automaticSettings(tls);
  const isInternal = tls.internal === true;
  if (settings === null && !isInternal) {
    if (tls.certificates === undefined)
      collector.errorAtKey(at, 'TLS needs a certificate', 'add "certificates", or write tls: auto');
    return;
  }
  if (settings !== null && isInternal)
    return collector.errorAtKey(
      [...at, 'internal'],
      'the certificates of a host come from one CA',
      'remove one of the two',
    );
  if (draft.plain.state === null)
    collector.errorAtValue(['state'], 'certificates that are obtained automatically are kept there', 'name a folder');
  const hosts = automaticHosts(tls, draft, names);
  if (hosts.length === 0 && names.length === 0 && settings?.on_demand === undefined)
    collector.errorAtKey(at, 'no route has a host that a certificate could be for', noHostHelp(isInternal));
  const address = isInternal ? hosts.find(isAddress) : undefined;
  if (address !== undefined)
    collector.errorAtValue(
      hostPath(address, draft),
      `the local CA makes certificates for names, and ${quoted(address)} is an address`,
      'give the route a name as "host", such as app.localhost',
    );
  if (settings !== null) reviewAcme(settings, hosts, at, draft, collector);
}

/** Where a route first names the host. */
function hostPath(host: string, draft: Draft): Path {
  for (const [route, { host: hosts = [] }] of draft.routes) {
    const index = hosts.indexOf(host);
    if (index !== -1) return itemPath(draft, ['routes', route, 'host'], index);
  }
  return ['routes'];
}

function noHostHelp(isInternal: boolean): string {
  return isInternal
    ? 'give the routes a "host", such as app.localhost'
    : 'give the routes a "host", or name them as "hosts" under "auto"';
}

function reviewAcme(
  settings: AutomaticTlsRead,
  hosts: readonly string[],
  at: Path,
  draft: Draft,
  collector: ErrorCollector,
): void {
  const { directory = knownDirectories.production, dns_hook } = settings;
  const challenges = challengesOf(settings, draft);
  const wildcard = hosts.find((host) => host.startsWith('*.'));
  if (challenges.includes('dns-01') && dns_hook === undefined)
    collector.errorAtKey(
      [...at, 'auto', 'challenges'],
      '"dns-01" needs a command that sets DNS records',
      'add "dns_hook"',
    );
  else if (wildcard !== undefined && !challenges.includes('dns-01'))
    collector.errorAtKey(
      at,
      `a certificate for ${quoted(wildcard)} is only issued to who can set its DNS records`,
      'add "dns_hook" under "auto", or name the hosts one by one as "hosts" there',
    );
  if (dns_hook !== undefined && !challenges.includes('dns-01'))
    collector.warnAtKey(
      [...at, 'auto', 'dns_hook'],
      '"dns_hook" has no effect without the challenge "dns-01"',
      'add it to "challenges", or remove one of the two',
    );
  if (settings.propagation_timeout !== undefined && dns_hook === undefined)
    collector.warnAtKey(
      [...at, 'auto', 'propagation_timeout'],
      '"propagation_timeout" has no effect without "dns_hook"',
      'add "dns_hook", or remove it',
    );
  reviewOnDemand(settings, at, draft, collector);
  reviewChallenges(settings, at, draft, collector);
  reviewDirectories(settings, [...at, 'auto'], draft, collector);
  const refused = isPublicDirectory(directory) ? hosts.find(isPrivate) : undefined;
  if (refused !== undefined)
    collector.errorAtKey(
      at,
      `no public CA issues a certificate for ${quoted(refused)}`,
      `${isAddress(refused) ? '' : 'write tls: internal, or '}name the hosts that are public as "hosts" under "auto"`,
    );
}

function reviewOnDemand(settings: AutomaticTlsRead, at: Path, draft: Draft, collector: ErrorCollector): void {
  const { on_demand } = settings;
  if (on_demand === undefined) return;
  const key: Path = [...at, 'auto', 'on_demand'];
  if (on_demand.allow === undefined && on_demand.ask === undefined)
    return collector.errorAtKey(
      key,
      'without "allow" and "ask" every stranger could have certificates ordered for any name',
      onDemandHelp,
    );
  const routes = onDemandOf(settings, draft)?.routes ?? null;
  if (routes?.length === 0)
    collector.warnAtKey(
      key,
      'every route names its hosts, so that no other name is served',
      'add a route without "host" or with a wildcard, or remove it',
    );
}

/** Names that no registry has: RFC 6761, RFC 6762, RFC 8375, RFC 9476 and ICANN's `internal`; and addresses. */
const privateEndings = /(?:^|\.)(?:localhost|local|test|invalid|example|internal|home\.arpa|alt|onion|lan)$/;

function isPrivate(host: string): boolean {
  return privateEndings.test(host) || !host.includes('.') || isAddress(host);
}

function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':');
}

/** One account and one order of CAs for the whole gateway: certificates are kept by names, whoever issued them. */
export function reviewAuthorities(draft: Draft, collector: ErrorCollector): void {
  let first: { readonly name: string; readonly facts: string } | null = null;
  for (const [name, listener] of draft.listeners) {
    const tls = tlsOfListener(listener);
    const settings = tls === null ? null : automaticSettings(tls);
    if (settings === null && tls?.internal !== true) continue;
    const { hosts: _, ...how } = settings ?? { hosts: [] };
    const facts = JSON.stringify([settings === null, Object.entries(how).toSorted(([a], [b]) => a.localeCompare(b))]);
    if (first === null) first = { name, facts };
    else if (first.facts !== facts)
      collector.errorAtKey(
        ['listeners', name, 'tls'],
        `the listener ${quoted(first.name)} obtains certificates in another way`,
        'write the same at both listeners; only "hosts" may differ',
      );
  }
}
