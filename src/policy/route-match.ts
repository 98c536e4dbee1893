/** `hosts`: names and patterns such as `*.example.org`, which is for all names under `example.org`, and not for that name; empty: any host. */
export function matchesHost(hosts: readonly string[], host: string): boolean {
  return hosts.length === 0 || hosts.some((one) => (isWildcard(one) ? host.endsWith(one.slice(1)) : host === one));
}

/** `*.example.org` is for all names under `example.org`, and not for that name itself. */
export function isWildcard(pattern: string): boolean {
  return pattern.startsWith('*.');
}

/** `/api` matches `/api`, `/api/x` and `/api?x`, not `/apiary`. */
export function matchesPath(prefix: string, target: string): boolean {
  if (prefix === '/') return true;
  if (!target.startsWith(prefix)) return false;
  if (prefix.endsWith('/') || target.length === prefix.length) return true;
  const next = target.charCodeAt(prefix.length);
  return next === 0x2f || next === 0x3f;
}
