import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { getServers } from 'node:dns';
import type { Family } from '../core/name-resolver.ts';

/** The system's settings for names, read at each lookup: they change with containers, VPNs and DHCP leases. */
export interface SystemNames {
  readonly hosts: HostsFile;
  readonly search: SearchRules;
  /** As `address` or `address:port`. */
  readonly servers: readonly string[];
}

type HostsFile = ReadonlyMap<string, ReadonlyMap<Family, readonly string[]>>;

/** How a name that lacks its domain is completed: resolv.conf(5), `search` and `options ndots`. */
interface SearchRules {
  readonly domains: readonly string[];
  /** A name with fewer dots is completed first, and looked up as it is last. */
  readonly dotsMin: number;
}

const [hostsPath, resolverPath] =
  process.platform === 'win32'
    ? [`${process.env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`, null]
    : ['/etc/hosts', '/etc/resolv.conf'];

export async function readSystemNames(): Promise<SystemNames> {
  const [hosts, resolver] = await Promise.all([textOf(hostsPath), resolverPath === null ? '' : textOf(resolverPath)]);
  const { servers, ...search } = parseResolverFile(resolver);
  return { hosts: parseHosts(hosts), search, servers: servers.length > 0 ? servers : getServers() };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    // Without the file, or where it cannot be read, there are no such names.
    return '';
  }
}

/** `address name name…  # remark` (hosts(5)). A name may stand in several lines, with an address of each family. */
export function parseHosts(text: string): HostsFile {
  const hosts = new Map<string, Map<Family, string[]>>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const version = isIP(address);
    if (version === 0) continue;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    for (const written of names) {
      const name = written.toLowerCase();
      const known = hosts.get(name) ?? new Map<Family, string[]>();
      known.set(family, [...(known.get(family) ?? []), address]);
      hosts.set(name, known);
    }
  }
  return hosts;
}

export function parseResolverFile(text: string): SearchRules & { readonly servers: readonly string[] } {
  const servers: string[] = [];
  let domains: readonly string[] = [];
  let dotsMin = 1;
  for (const line of text.split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined && isIP(rest[0]) !== 0) servers.push(rest[0]);
    // The last one counts.
    if (word === 'search' || word === 'domain') domains = rest.map((domain) => domain.replace(/\.$/, ''));
    if (word === 'options') dotsMin = dotsIn(rest) ?? dotsMin;
  }
  return { servers, domains: domains.filter((domain) => domain !== ''), dotsMin };
}

function dotsIn(options: readonly string[]): number | null {
  const dots = options.map((option) => /^ndots:(\d{1,2})$/.exec(option)?.[1]).find((found) => found !== undefined);
  return dots === undefined ? null : Math.min(15, Number(dots));
}

/** The full names to look up, in order, until one exists. A name with a dot at the end is complete. */
export function candidatesFor(name: string, { domains, dotsMin }: SearchRules): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const completed = domains.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= dotsMin ? [name, ...completed] : [...completed, name];
}
