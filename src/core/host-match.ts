import { globTest } from './glob.ts';
import { checkedPattern } from './pattern.ts';

/** Whether it is `*.example.org`: all names under `example.org`, and not that name itself. */
export function isWildcard(host: string): boolean {
  return host.startsWith('*.') && !host.includes('*', 1);
}

/** Whether it is a glob or a regular expression, which takes a look at each host. */
export function isHostPattern(host: string): boolean {
  return host.startsWith('~ ') || (host.includes('*') && !isWildcard(host));
}

/** A regular expression comes behind `~ `; in a glob `*` is for any characters of one label. */
export function hostTest(host: string): (asked: string) => boolean {
  if (host.startsWith('~ ')) {
    const pattern = checkedPattern(host.slice(2));
    return (asked) => pattern.test(asked);
  }
  if (isWildcard(host)) return (asked) => asked.endsWith(host.slice(1));
  return host.includes('*') ? globTest(host, '.') : (asked) => asked === host;
}

/** `hosts`: names and what `hostTest` knows; empty: any host. */
export function matchesHost(hosts: readonly string[], asked: string): boolean {
  return hosts.length === 0 || hosts.some((host) => hostTest(host)(asked));
}

/** Whether all hosts of the others are among these. False where that would take more than a look at their texts. */
export function coversHosts(hosts: readonly string[], others: readonly string[]): boolean {
  if (hosts.length === 0) return true;
  return others.length > 0 && others.every((other) => hosts.some((host) => coversHost(host, other)));
}

function coversHost(host: string, other: string): boolean {
  if (host === other) return true;
  if (isHostPattern(other)) return isWildcard(host) && !other.startsWith('~ ') && other.endsWith(host.slice(1));
  return !host.startsWith('~ ') && hostTest(host)(other) && !(isWildcard(other) && !isWildcard(host));
}
