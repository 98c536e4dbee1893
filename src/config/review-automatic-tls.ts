import { automaticHosts, automaticSettings, challengesOf, onDemandOf, challengePortsOf } from './automatic-tls.ts';
import type { AutomaticTlsRead } from './automatic-tls-schema.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { quoted, orList } from '../schema/error-detail.ts';
import { onDemandHelp } from './explain-word.ts';
import { knownDirectories } from './format/acme-directory.ts';
import type { Path } from '../schema/findings.ts';
import { isPublicName } from '../schema/public-host.ts';
import type { ListenerTlsRead } from './listener-schema.ts';
import { itemPath, tlsOfListener } from './wanted-files.ts';
import type { ChallengeKind } from '../core/listener-spec.ts';

/** Whether the certificates that a listener asks for can be obtained. */

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

function isPrivate(host: string): boolean {
  return !isPublicName(host) || isAddress(host);
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

/** Whether CAs can reach what shows their challenges. */

/** A CA asks these ports alone, whatever a listener is bound to (RFC 8555 §8.3, RFC 8737 §3). */
const askedPorts = { 'http-01': 80, 'tls-alpn-01': 443 } as const;

type PortChallenge = keyof typeof askedPorts;

/** A CA on this machine is there for tests, and looks at other ports. */
const testDirectory = /^https:\/\/(?:localhost|127\.[\d.]+|\[::1\])(?::|\/|$)/;

/** `at`: of the listener's `tls`. */
function reviewChallenges(settings: AutomaticTlsRead, at: Path, draft: Draft, collector: ErrorCollector): void {
  const ports = challengePortsOf(draft);
  const kinds = challengesOf(settings, draft).filter((kind) => isPortChallenge(kind));
  const key: Path = [...at, 'auto', 'challenges'];
  if (settings.challenges?.includes('http-01') === true && ports['http-01'].length === 0)
    return collector.errorAtKey(
      key,
      '"http-01" is answered in clear text, and every listener speaks TLS',
      'add a listener such as http: ":80", or remove "http-01"',
    );
  if (kinds.length === 0 || testDirectory.test(settings.directory ?? '')) return;
  const isReachable = (kind: PortChallenge): boolean => ports[kind].includes(askedPorts[kind]);
  if (settings.challenges !== undefined) {
    for (const kind of kinds.filter((one) => !isReachable(one)))
      collector.warnAtKey(
        key,
        `for ${quoted(kind)} the CA connects to port ${askedPorts[kind]}, and ${listenText(kind, ports[kind])}`,
        `bind one to ":${askedPorts[kind]}", or forward port ${askedPorts[kind]} to it`,
      );
  } else if (!kinds.some(isReachable)) {
    const asked = kinds.map((kind) => askedPorts[kind]);
    collector.warnAtKey(
      at,
      `the CA connects to port ${orList(asked.map(String))}, and no listener is bound to ${asked.length > 1 ? 'either' : 'it'}`,
      `"bind" a listener to ":${asked.at(-1)}"${asked.length > 1 ? ' or, in clear text, ":80"' : ''}, or forward ${asked.length > 1 ? 'one of the ports' : 'the port'} to it`,
    );
  }
}

function isPortChallenge(kind: ChallengeKind): kind is PortChallenge {
  return kind !== 'dns-01';
}

function listenText(kind: PortChallenge, ports: readonly number[]): string {
  const what = kind === 'http-01' ? 'listeners in clear text' : 'listeners with TLS';
  return `the ${what} have port ${orList(ports.map(String)).replace(' or ', ' and ')}`;
}

/** Whether the CAs that a listener names fit together. */

function isPublicDirectory(directory: string): boolean {
  return Object.values(knownDirectories).some((known) => known === directory);
}

/** `at`: of `auto`. */
function reviewDirectories(settings: AutomaticTlsRead, at: Path, draft: Draft, collector: ErrorCollector): void {
  const { directory = knownDirectories.production, fallback = [], external_account } = settings;
  if (external_account !== undefined && isPublicDirectory(directory))
    collector.errorAtKey(
      [...at, 'external_account'],
      "Let's Encrypt, which is asked here, has no external accounts",
      'write as "directory" the URL that the CA of this account gives',
    );
  for (const [index, other] of fallback.entries()) {
    const key = itemPath(draft, [...at, 'fallback'], index);
    if (other === directory || fallback.indexOf(other) < index)
      collector.warnAtValue(key, 'this CA is asked already', 'write another CA, or remove it');
    else if (other === knownDirectories.staging)
      collector.warnAtValue(
        key,
        'certificates of staging are trusted by no browser: one would take the place of none',
        'write a CA that browsers trust, or remove it',
      );
  }
  for (const [index, name] of (settings.on_demand?.allow ?? []).entries())
    if (/^\*\.[^.]+$/.test(name) && isPublicDirectory(directory))
      collector.warnAtValue(
        itemPath(draft, [...at, 'on_demand', 'allow'], index),
        `${quoted(name)} has the domains of strangers too, who could have certificates ordered for them`,
        'write the names below a domain of yours, such as "*.example.org"',
      );
}
