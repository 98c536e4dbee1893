/** `hosts`: names and patterns such as `*.example.org`, which is for all names under `example.org`, and not for that name; empty: any host. */
export function matchesHost(hosts: readonly string[], host: string): boolean {
  return hosts.length === 0 || hosts.some((one) => (isWildcard(one) ? host.endsWith(one.slice(1)) : host === one));
}

/** `*.example.org` is for all names under `example.org`, and not for that name itself. */
export function isWildcard(pattern: string): boolean {
  return pattern.startsWith('*.');
}

/** Whether all hosts of the others are among these. */
export function coversHosts(hosts: readonly string[], others: readonly string[]): boolean {
  if (hosts.length === 0) return true;
  return others.length > 0 && others.every((host) => hosts.includes(host) || matchesHost(hosts, host));
}
