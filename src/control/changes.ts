import type { Configuration } from '../core/configuration.ts';
import type { FeatureSpecs } from '../core/feature.ts';
import type { Clock } from '../core/time.ts';
import { inTurns } from '../core/turns.ts';
import { dependenciesName } from '../features/dependencies/settings.ts';
import { releasesName } from '../features/releases/settings.ts';

/** Each part under its key in candor.yaml, in the order of `docs/reference.md`. */
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
  upstreams: ({ upstreams }) => upstreams.map((one) => withoutFeature(one, releasesName)),
  // They change no request before the next rollout.
  releases: ({ upstreams }) =>
    upstreams.flatMap(({ id, features }) => {
      const settings = features?.[releasesName];
      return settings === undefined ? [] : [{ id, settings }];
    }),
  applications: ({ applications }) => applications.map((one) => withoutFeature(one, dependenciesName)),
  // They are checked and told of, and change no request.
  dependencies: ({ features, applications }) => ({
    all: features?.[dependenciesName],
    of: applications.flatMap(({ id, features: own }) => {
      const settings = own?.[dependenciesName];
      return settings === undefined ? [] : [{ id, settings }];
    }),
  }),
  routes: ({ routes }) => routes,
  response_headers: ({ unrouted }) => unrouted.responseHeaders ?? null,
  error_pages: ({ unrouted }) => unrouted.errorPages,
  disclosure: ({ unrouted }) => unrouted.disclosure,
  dns: ({ dns }) => dns,
  admin: ({ admin }) => admin,
  log: ({ log }) => log,
  store: ({ store }) => store,
  alerts: ({ alerts }) => alerts ?? null,
  otlp: ({ otlp }) => otlp,
};

function withoutFeature<T extends { readonly features?: FeatureSpecs }>(one: T, feature: string): T {
  return { ...one, features: { ...one.features, [feature]: undefined } };
}

/** Settings that a file may give once for all routes, by the key of the file. */
const inherited: Readonly<Record<string, string>> = {
  timeouts: 'timeouts',
  tunnel: 'websocket',
  commitDelayMs: 'commit_delay',
  buffer: 'buffer',
  requestHeaders: 'request_headers',
  responseHeaders: 'response_headers',
  errorPages: 'error_pages',
  disclosure: 'disclosure',
};

/** What clients may take, by the key of the file. */
const clientKeys: Readonly<Record<keyof Configuration['client'], string>> = {
  headMs: 'head_timeout',
  bodyMs: 'body_timeout',
  keepAliveMs: 'keep_alive',
  writeMs: 'write_timeout',
  headBytesMax: 'head_max',
  headersMax: 'headers_max',
  targetBytesMax: 'target_max',
  bodyBytesMax: 'body_max',
  connectionsMax: 'connections_max',
  connectionsPerAddressMax: 'connections_per_address_max',
  handshakesPerSecondMax: 'tls_handshake_rate_max',
  ipv6PrefixBits: 'ipv6_prefix',
  pipelinedMax: 'pipelined_max',
  headRateMin: 'head_rate_min',
  bodyRateMin: 'body_rate_min',
  writeRateMin: 'write_rate_min',
  rateGraceMs: 'rate_grace',
  bufferBytesMax: 'buffer_max',
};

/**
 * Names the parts of a configuration that differ: 'routes: /api', 'listeners', 'client (body_max)', 'timeouts'. Routes, which may be thousands, are
 * compared in turns of the event loop.
 */
export async function changesBetween(
  before: Configuration,
  now: Configuration,
  clock: Clock,
): Promise<readonly string[]> {
  const changes: string[] = [];
  for (const [key, partOf] of Object.entries(parts)) {
    const [old, current] = [partOf(before), partOf(now)];
    if (key === 'routes') changes.push(...(await changesOfRoutes(before.routes, now.routes, clock)));
    else if (JSON.stringify(old) !== JSON.stringify(current))
      changes.push(`${key}${key === 'client' ? clientKeysOf(before, now) : namesOf(old, current)}`);
  }
  return [...new Set(changes)];
}

type Routes = Configuration['routes'];

interface KnownRoute {
  readonly route: Routes[number];
  readonly text: string;
}

/** If every route changed only in settings that it inherits from the file, names those settings and no route. */
async function changesOfRoutes(before: Routes, now: Routes, clock: Clock): Promise<readonly string[]> {
  const known = new Map<string, KnownRoute>();
  await inTurns(before, clock, (route) => void known.set(route.id, { route, text: JSON.stringify(route) }));
  const changed: { readonly id: string; readonly keys: readonly string[] | null }[] = [];
  await inTurns(now, clock, (route) => {
    const old = known.get(route.id);
    known.delete(route.id);
    if (old?.text !== JSON.stringify(route)) changed.push({ id: route.id, keys: changedKeys(old?.route, route) });
  });
  const isOfAll = before.length === now.length && changed.length === now.length;
  if (isOfAll && changed.every(({ keys }) => keys !== null && keys.length > 0))
    return [...new Set(changed.flatMap(({ keys }) => keys ?? []))];
  const names = [
    ...changed.map(({ id, keys }) => (keys === null || keys.length === 0 ? id : `${id} (${keys.join(', ')})`)),
    ...known.keys(),
  ];
  if (names.length > 0) return [`routes: ${names.join(', ')}`];
  return now.every(({ id }, index) => id === before[index]?.id) ? [] : ['routes'];
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

/** ' (body_max, head_max)' */
function clientKeysOf({ client: before }: Configuration, { client: now }: Configuration): string {
  const keys = Object.keys(clientKeys) as (keyof typeof clientKeys)[];
  return ` (${keys.flatMap((key) => (before[key] === now[key] ? [] : [clientKeys[key]])).join(', ')})`;
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
