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

/** Settings that a file may give once for all routes, by the key of the file. */
const inherited: Readonly<Record<string, string>> = {
  timeouts: 'timeouts',
  commitDelayMs: 'commit_delay',
  errorPages: 'error_pages',
  disclosure: 'disclosure',
};

/** Names the parts of a configuration that differ: 'routes: /api', 'listeners', 'timeouts'. */
export function changesBetween(before: Configuration, now: Configuration): readonly string[] {
  const changes = Object.entries(parts).flatMap(([key, partOf]) => {
    const [old, current] = [partOf(before), partOf(now)];
    if (JSON.stringify(old) === JSON.stringify(current)) return [];
    if (key === 'routes') return changesOfRoutes(before.routes, now.routes);
    return [`${key}${namesOf(old, current)}`];
  });
  return [...new Set(changes)];
}

type Routes = Configuration['routes'];

/** If every route changed only in settings that it inherits from the file, names those settings and no route. */
function changesOfRoutes(before: Routes, now: Routes): readonly string[] {
  const known = new Map(before.toReversed().map((route) => [route.id, route]));
  const keys = now.map((route) => changedKeys(known.get(route.id), route));
  const isOfAll = before.length === now.length && keys.every((key) => key !== null && key.length > 0);
  if (isOfAll) return [...new Set(keys.flatMap((key) => key ?? []))];
  const details = new Map(now.map(({ id }, index) => [id, keys[index] ?? null]));
  return [`routes${namesOf(before, now, details)}`];
}

/** The keys of `inherited` in which a route differs; null if it also differs in something else, or is new. */
function changedKeys(before: Routes[number] | undefined, now: Routes[number]): readonly string[] | null {
  if (before === undefined) return null;
  const old: Readonly<Record<string, unknown>> = { ...before };
  const current: Readonly<Record<string, unknown>> = { ...now };
  const names = new Set([...Object.keys(old), ...Object.keys(current)]);
  const changed = [...names].filter((name) => JSON.stringify(old[name]) !== JSON.stringify(current[name]));
  const keys = changed.flatMap((name) => inherited[name] ?? []);
  return keys.length === changed.length ? keys : null;
}

function namesOf(
  before: unknown,
  now: unknown,
  details: ReadonlyMap<string, readonly string[] | null> = new Map(),
): string {
  if (!Array.isArray(before) || !Array.isArray(now)) return '';
  const texts = new Map<string, string>();
  for (const item of before) if (hasId(item)) texts.set(item.id, JSON.stringify(item));
  const changed: string[] = [];
  for (const item of now) {
    if (!hasId(item)) continue;
    const detail = details.get(item.id) ?? [];
    const text = detail.length === 0 ? item.id : `${item.id} (${detail.join(', ')})`;
    if (texts.get(item.id) !== JSON.stringify(item)) changed.push(text);
    texts.delete(item.id);
  }
  const names = [...changed, ...texts.keys()];
  return names.length === 0 ? '' : `: ${names.join(', ')}`;
}

function hasId(item: unknown): item is { readonly id: string } {
  return typeof item === 'object' && item !== null && 'id' in item && typeof item.id === 'string';
}
