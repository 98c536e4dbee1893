/** What is wrong with the conditions of routes, or without effect. */
import { isHostPattern, isWildcard } from '../core/host-match.ts';
import { literalPrefix, pathsOf } from '../core/path-match.ts';
import type { RouteMatch } from '../core/route-spec.ts';
import { isSecretName } from '../redact/secret-name.ts';
import { secretHeaders } from '../redact/text-redactor.ts';
import { orList, quoted } from '../schema/error-detail.ts';
import type { Path } from '../schema/findings.ts';
import { hideTokens } from '../schema/hide-secrets.ts';
import type { ConditionsRead, MatchRead } from './condition-schema.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { matchOf, shadows } from './match.ts';
import { suggestNearest } from './nearest.ts';
import type { RouteRead } from './route-schema.ts';
import { itemPath, tlsOfListener } from './wanted-files.ts';

export function reviewMatches(draft: Draft, collector: ErrorCollector): void {
  for (const [at, route] of draft.routes) {
    const path = ['routes', at];
    for (const [below, block] of blocksOf(route, path)) {
      if (below !== path && Object.keys(block).length === 0)
        collector.errorAtValue(below, 'there is no condition', 'write one, such as path: /api');
      reviewListeners(block, below, draft, collector);
      reviewScheme(block, below, draft, collector);
      for (const key of ['headers', 'query', 'cookies'] as const)
        for (const [name, value] of Object.entries(block[key] ?? {}))
          reviewValue(name, value, [...below, key, name], collector);
    }
    reviewRewrite(route, path, collector);
  }
  reviewOrder(draft, collector);
}

/** The conditions of a route, and those within `any` and `not`. */
function blocksOf(route: MatchRead, path: Path): readonly (readonly [at: Path, block: ConditionsRead])[] {
  const alternatives = (route.any ?? []).map((block, index) => [[...path, 'any', index], block] as const);
  return [[path, route], ...alternatives, ...(route.not === undefined ? [] : [[[...path, 'not'], route.not] as const])];
}

function reviewListeners({ listener = [] }: ConditionsRead, at: Path, draft: Draft, collector: ErrorCollector): void {
  const names = draft.listeners.size === 0 ? ['http'] : [...draft.listeners.keys()];
  for (const [index, name] of listener.entries()) {
    if (names.includes(name) || collector.isBad(['listeners', name])) continue;
    collector.errorAtValue(
      itemPath(draft, [...at, 'listener'], index),
      `no listener is called ${quoted(name)}`,
      suggestNearest(name, names) ?? `there is ${orList(names.map(quoted))}`,
    );
  }
}

function reviewScheme({ scheme }: ConditionsRead, at: Path, draft: Draft, collector: ErrorCollector): void {
  const hasTls = [...draft.listeners.values()].some((listener) => tlsOfListener(listener) !== null);
  if (scheme !== 'https' || hasTls || (draft.plain.trusted_peers ?? []).length > 0) return;
  collector.warnAtKey(
    [...at, 'scheme'],
    'no request has this scheme: no listener has "tls", and no trusted peer can name it',
    'give a listener "tls", or list the balancer before Candor in "trusted_peers"',
  );
}

type ValueRead = NonNullable<ConditionsRead['headers']>[string];

function reviewValue(name: string, value: ValueRead, path: Path, collector: ErrorCollector): void {
  if (typeof value !== 'string') {
    const { present, ...likes } = value;
    const isAlone = Object.keys(likes).length === 0;
    if (present === undefined && isAlone)
      collector.errorAtValue(path, 'nothing is asked of the value', 'write a value, or { present: true } for any');
    if (present !== undefined && !isAlone)
      collector.errorAtKey([...path, 'present'], 'it says nothing beside what the value is like', 'remove one of them');
    return;
  }
  if (!collector.isLiteral(path) || !isCredential(name, value)) return;
  // Whoever can read the file has the value.
  const where =
    path.at(-2) === 'headers' ? 'in the header' : path.at(-2) === 'query' ? 'in the parameter' : 'in the cookie';
  collector.warnAtKey(
    path,
    `the route asks for a credential ${where} ${quoted(name)}, and the file has it in clear text`,
    'take it from a variable, such as "${NAME}", or let the application check it',
  );
}

function isCredential(name: string, value: string): boolean {
  return secretHeaders.includes(name.toLowerCase()) || isSecretName(name) || hideTokens(value) !== value;
}

/** `rewrite.path` stands instead of what a path begins with, or of a whole path. */
function reviewRewrite({ path = [], rewrite }: RouteRead, at: Path, collector: ErrorCollector): void {
  const [first, ...others] = path;
  if (rewrite?.path === undefined || first === undefined) return;
  if (others.length > 0)
    collector.errorAtKey(
      [...at, 'rewrite', 'path'],
      'with several paths it is not clear what it replaces',
      'make a route of each path',
    );
  else if (first.kind === 'glob' || first.kind === 'pattern')
    collector.errorAtKey(
      [...at, 'rewrite', 'path'],
      `it replaces what a path begins with, and the path of this route is a ${first.kind === 'glob' ? 'glob' : 'regular expression'}`,
      'match by a path such as /api, or leave the path to the application',
    );
}

/** Routes are tried in the order of the file, so that an earlier one can leave nothing for a later one. */
function reviewOrder(draft: Draft, collector: ErrorCollector): void {
  const earlier = new EarlierRoutes();
  for (const [at, route] of draft.routes) {
    const match = matchOf(route);
    const hiding = earlier.hiding(match);
    earlier.add(at, match);
    if (hiding === null) continue;
    const position = collector.positionText(['routes', hiding]);
    collector.warnAtKey(
      ['routes', at],
      `this route is never taken: the one in ${position} matches everything that it does`,
      'put the more special route first',
    );
  }
}

interface EarlierRoute {
  readonly at: number;
  readonly match: RouteMatch;
}

/** By host and the folder of their paths, so that thousands of routes are not compared with each other. */
class EarlierRoutes {
  readonly #routes = new Map<string, EarlierRoute[]>();

  add(at: number, match: RouteMatch): void {
    const hosts = match.hosts.length === 0 ? [''] : match.hosts.map(hostKey);
    const folders = pathsOf(match).map(literalPrefix);
    for (const key of new Set(hosts.flatMap((host) => folders.map((folder) => `${host} ${folder}`)))) {
      const there = this.#routes.get(key);
      if (there === undefined) this.#routes.set(key, [{ at, match }]);
      else there.push({ at, match });
    }
  }

  /** The first that leaves nothing for a route; null: there is none. It has the folder of each path, or one above it. */
  hiding(match: RouteMatch): number | null {
    const [host] = match.hosts;
    const [path] = pathsOf(match);
    const hosts = host === undefined ? [''] : [...new Set(['', '*', hostKey(host)])];
    const folders = path === undefined ? [] : foldersAbove(literalPrefix(path));
    const found = hosts.flatMap((one) =>
      folders.flatMap(
        (folder) => this.#routes.get(`${one} ${folder}`)?.find((other) => shadows(other.match, match)) ?? [],
      ),
    );
    return found.length === 0 ? null : Math.min(...found.map(({ at }) => at));
  }
}

const hostKey = (host: string): string => (isWildcard(host) || isHostPattern(host) ? '*' : host);

/** `/a/b`, `/a` and `/` of `/a/b`. */
function foldersAbove(folder: string): readonly string[] {
  const folders = ['/'];
  for (let slash = folder.indexOf('/', 1); slash > 0; slash = folder.indexOf('/', slash + 1))
    folders.push(folder.slice(0, slash));
  return folder === '/' ? folders : [...folders, folder];
}
