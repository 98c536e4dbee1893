import type { Configuration } from '../core/configuration.ts';

/** Each part under its key in candor.yaml, in the order of `docs/configuration.md`. */
const parts: Readonly<Record<string, (configuration: Configuration) => unknown>> = {
  deployment: ({ deployment }) => deployment,
  member: ({ member }) => member,
  listeners: ({ listeners }) => listeners,
  trusted_peers: ({ trustedPeers }) => trustedPeers,
  client_address_header: ({ clientAddressHeader }) => clientAddressHeader,
  client: ({ client }) => client,
  workers: ({ workers }) => workers,
  drain: ({ drain }) => drain,
  state: ({ stateFolder }) => stateFolder,
  upstreams: ({ upstreams }) => upstreams,
  applications: ({ applications }) => applications,
  routes: ({ routes }) => routes,
  error_pages: ({ unrouted }) => unrouted.errorPages,
  disclosure: ({ unrouted }) => unrouted.disclosure,
  dns: ({ dns }) => dns,
  admin: ({ admin }) => admin,
  log: ({ log }) => log,
};

/** Which parts of a configuration differ, by the names of what they hold: 'routes: /api', 'listeners'. */
export function changesBetween(before: Configuration, now: Configuration): readonly string[] {
  return Object.entries(parts).flatMap(([key, partOf]) => {
    const [old, current] = [partOf(before), partOf(now)];
    if (JSON.stringify(old) === JSON.stringify(current)) return [];
    return [`${key}${namesOf(old, current)}`];
  });
}

function namesOf(before: unknown, now: unknown): string {
  if (!Array.isArray(before) || !Array.isArray(now)) return '';
  const texts = new Map<string, string>();
  for (const item of before) if (hasId(item)) texts.set(item.id, JSON.stringify(item));
  const changed: string[] = [];
  for (const item of now) {
    if (!hasId(item)) continue;
    if (texts.get(item.id) !== JSON.stringify(item)) changed.push(item.id);
    texts.delete(item.id);
  }
  const names = [...changed, ...texts.keys()];
  return names.length === 0 ? '' : `: ${names.join(', ')}`;
}

function hasId(item: unknown): item is { readonly id: string } {
  return typeof item === 'object' && item !== null && 'id' in item && typeof item.id === 'string';
}
