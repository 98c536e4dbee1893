import { resolve } from 'node:path';
import * as z from 'zod';
import { hasPrefix, type RoutePaths } from '../../core/path-match.ts';
import { type Result, succeed } from '#failures/result.ts';
import { globTest } from '../../core/glob.ts';
import { nearest } from '../../core/nearest.ts';
import { variablesIn } from '../../core/template.ts';
import { variableNamed } from '../../core/variables.ts';
import { declare, describe } from '../../schema/default.ts';
import { type ErrorDetail, orList, quoted, reject } from '../../schema/error-detail.ts';
import { oneOrMany, parsed, path } from '../../schema/leaves.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { durationPattern, parseAge } from '../../schema/format/duration.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { type PhpRead, phpRead } from '../fastcgi/settings.ts';
import { fileCodings, filesName, type FilesSpec } from './settings.ts';

const absent = {
  index: declare('index.html', 'It is the page of a folder nearly everywhere.'),
  extensions: describe('none', 'Each file under another name is looked for with each request that finds none.'),
  listing: declare('false', 'Visitors learn no names of files from the gateway.'),
  precompressed: declare('false', 'Each file beside another one is looked for with each request.'),
};

const cacheWords = ['immutable', 'no-cache', 'no-store'] as const;
const cacheAdvice = 'write immutable, no-cache, no-store, or a duration such as 1h';

/** A word, or seconds. */
function parseCache(written: string): Result<string | number, ErrorDetail> {
  if (cacheWords.some((word) => word === written)) return succeed(written);
  const parsedAge = parseAge(written);
  if (parsedAge.ok) return parsedAge;
  const message = `${quoted(written)} does not say how long browsers keep a file`;
  const seconds = /^(?:(?:public|private), *)?(?:s-?max-?age|max-age) *= *(\d+)$/i.exec(written)?.[1];
  if (seconds !== undefined) return reject(message, `write ${seconds}s`);
  if (/^\d/.test(written)) return parsedAge;
  const [near] = nearest(written, cacheWords, 1);
  const meant = /^max$/i.test(written) ? 'immutable' : /^(?:epoch|0)$/i.test(written) ? 'no-cache' : near;
  return reject(message, meant === undefined ? cacheAdvice : `write ${meant}`);
}

const cacheValue = parsed(parseCache, {
  bare: (seconds) => ({
    message: `${seconds} has no unit`,
    suggestion: seconds > 0 ? `write ${seconds}s` : 'write no-cache',
  }),
  kind: 'duration, `immutable`, `no-cache`, `no-store`',
  pattern: `^(?:${cacheWords.join('|')}|${durationPattern})$`,
  examples: [...cacheWords, '1h'],
});

/** What is served of a folder, and how. */
const servedKeys = {
  index: key(
    oneOrMany(parsed(parseName, { kind: 'name', examples: ['index.html'] })),
    'The file that stands for its folder; of several the first that is there.',
    absent.index,
  ),
  extensions: key(
    oneOrMany(parsed(parseExtension, { kind: 'extension', examples: ['.html'] })),
    'What paths may lack at their end: with `.html`, `/about` is answered with about.html. Of several the first that leads to a file.',
    absent.extensions,
  ),
  fallback: key(
    parsed(parseBelow, { kind: 'path', examples: ['/index.html'] }),
    'The file for pages that are not there, such as `/index.html` of an application with one page. A path whose last name has an extension, such as `/a.js`, gets it only if the client asks for HTML.',
  ),
  listing: key(z.boolean(), 'Whether a folder without an index is answered with a list of its files.', absent.listing),
  precompressed: key(
    z.union([z.boolean(), z.array(z.enum(fileCodings)).min(1)]),
    'Whether `app.js.br`, `app.js.zst` and `app.js.gz` beside `app.js` are sent to clients that take them; or a list of the codings. A copy that is older than its file is not sent.',
    absent.precompressed,
  ),
  cache: key(
    z.record(z.string(), cacheValue),
    'How long browsers keep files, by glob: `immutable` (a year, without asking again), a duration, `no-cache` (they ask each time) or `no-store`. The first glob that matches holds: one without a slash is compared with the name, one with a slash with the path below the folder; `**` stands for several folders. Files that match none get no Cache-Control.',
  ),
};

const filesKeys = {
  files: key(
    z.union([
      path,
      section({
        root: key(path, 'The folder, from that of this file. Nothing outside of it is served.'),
        ...servedKeys,
      }),
    ]),
    'Answers with files of a folder: its path, or more. Beside `to`, what is not there goes to the upstream. The path of the request, or what `rewrite` makes of it, is looked for below the folder. Names that begin with a dot are hidden, but for `/.well-known`.',
  ),
};

const applicationKeys = {
  static: key(
    z.union([
      path,
      section({
        root: key(path, 'The folder, from `directory`, in the release in force. Nothing outside of it is served.'),
        ...servedKeys,
      }),
    ]),
    'A folder of the release, whose files answer the requests of routes to the application: its path from `directory`, or more. No process runs; `candor deploy` leads all requests to the new folder at once. Needs no `command`.',
  ),
};

type ApplicationRead = z.output<z.ZodObject<typeof applicationKeys>> & Readonly<Record<string, unknown>>;
type RouteRead = z.output<z.ZodObject<typeof filesKeys>>;
type FilesRead = Exclude<NonNullable<RouteRead['files']>, string>;

function parseName(written: string): Result<string, ErrorDetail> {
  if (written === '' || written.includes('/') || written.startsWith('.'))
    return reject(`${quoted(written)} is not a name of a file`, 'write a name without a slash, such as index.html');
  return succeed(written);
}

function parseExtension(written: string): Result<string, ErrorDetail> {
  if (/^\.(?:php\d?|phtml)$/i.test(written))
    return reject(`${quoted(written)} is the ending of programs, whose text is never sent`, 'write .html');
  if (/^\.[^/\0]*[^/\0.]$/.test(written)) return succeed(written);
  const meant = /^[\w-]+$/.test(written) ? `.${written}` : 'it with its dot, such as .html';
  return reject(`${quoted(written)} is no extension of a file`, `write ${meant}`);
}

function parseBelow(written: string): Result<string, ErrorDetail> {
  const names = written.split('/').slice(1);
  if (!written.startsWith('/') || names.some((name) => name === '' || name.startsWith('.')))
    return reject(`${quoted(written)} is not the path of a file`, 'write a path below the folder, such as /index.html');
  return succeed(names.join('/'));
}

function sectionOf(files: NonNullable<RouteRead['files']>): FilesRead {
  return typeof files === 'string' ? { root: files } : files;
}

const yearS = 365 * 86_400;

function cacheControl(written: string | number): string {
  if (written === 'immutable') return `public, max-age=${yearS}, immutable`;
  return typeof written === 'string' ? written : `public, max-age=${written}`;
}

/** Other keys of the route. */
interface ReadBeside {
  readonly to?: unknown;
  readonly path?: RoutePaths;
  readonly php?: PhpRead | undefined;
  readonly timeouts?: Readonly<Record<string, unknown>> | undefined;
}

function servedOf(read: Omit<FilesRead, 'root'>) {
  const { index = ['index.html'], extensions = [], fallback = null, listing = false, cache = {}, ...rest } = read;
  const { precompressed = false } = rest;
  return {
    ...{ index, extensions, fallback, listing },
    precompressed: precompressed === true ? fileCodings : precompressed === false ? [] : precompressed,
    cache: Object.entries(cache).map(([glob, value]) => [glob, cacheControl(value)] as const),
  };
}

export const files: FeatureKeys = featureKeys<RouteRead & ReadBeside, object, object, ApplicationRead>({
  name: filesName,
  isAction: true,
  standsBesideTo: () => true,
  effective: ['rewrite', 'response_headers', 'timeouts'],
  routeKeys: filesKeys,
  applicationKeys,
  forms: {
    files: { example: './public', off: 'remove the key', stands: ['root', 'listing'] },
    static: { example: 'dist', off: 'remove the key', stands: ['root', 'listing'] },
  },
  ofRoute({ files: read, to, path: paths, php }, _, { directory }): FilesSpec | null {
    const programs = phpRead(php);
    const written = read === undefined && to !== undefined ? programs?.sends : read;
    if (written === undefined) return null;
    const {
      root = '.',
      index = [...(programs === null ? [] : [programs.index]), 'index.html'],
      ...rest
    } = sectionOf(written);
    return {
      ...servedOf({ ...rest, index }),
      ...{ root: resolve(directory, root), passes: to !== undefined },
      isBelow: hasPrefix(paths),
      programs: programs?.split ?? null,
    };
  },
  ofRouteToApplication({ static: read, directory: written }, { isBelow }, { name, directory }): FilesSpec | null {
    if (read === undefined) return null;
    const { root: below = '.', ...rest } = sectionOf(read);
    const base = resolve(directory, typeof written === 'string' ? written : '.');
    return {
      ...servedOf(rest),
      ...{ root: resolve(base, below), release: { application: name, below } },
      ...{ passes: false, isBelow, programs: null },
    };
  },
  filesOfRoute: ({ files: read }) => {
    if (read === undefined) return [];
    const { root } = sectionOf(read);
    if (root === undefined) return [];
    return [{ kind: 'served_folder', path: root, at: typeof read === 'string' ? ['files'] : ['files', 'root'] }];
  },
  review({ routes, applications }, findings) {
    const sites = applications.filter(({ read }) => read.static !== undefined);
    for (const { path: at, read } of sites) reviewSite(read, at, findings);
    for (const { path: at, read } of routes) reviewRouteTo(read, at, new Set(sites.map(({ name }) => name)), findings);
    for (const { path: at, to, read, match } of routes) {
      if (read.files === undefined) continue;
      if (to === null && read.php === undefined && match.methods.length > 0 && !match.methods.some(isRead))
        findings.warnAtKey(
          [...at, 'methods'],
          `files are sent for GET and HEAD alone: each request for ${orList([...match.methods])} gets a 405`,
          'add GET, or name an application by "to"',
        );
      const { root, extensions = [], fallback, cache = {} } = sectionOf(read.files);
      const split = phpRead(read.php)?.split ?? '';
      if (extensions.includes(split))
        findings.warnAtKey(
          [...at, 'files', 'extensions'],
          `"extensions" has ${quoted(split)}, with which programs end, and their text is never sent`,
          'remove it',
        );
      reviewCache(Object.keys(cache), [...at, 'files', 'cache'], findings);
      if (to === null) reviewTimeouts(read.timeouts, [...at, 'timeouts'], findings);
      const [variable] = variablesIn(root ?? '').filter((written) => variableNamed(written) !== null);
      if (variable !== undefined)
        findings.errorAtValue(
          typeof read.files === 'string' ? [...at, 'files'] : [...at, 'files', 'root'],
          `a folder has no variables, and {${variable}} would be part of its name`,
          'write a route with its own folder for each',
        );
      if (root === undefined)
        findings.errorAtKey([...at, 'files'], 'the route does not say which folder it serves', 'add root: ./public');
      if (fallback !== undefined && to !== null)
        findings.warnAtKey(
          [...at, 'files', 'fallback'],
          '"fallback" has no effect beside "to": what is not there goes to the upstream',
          'remove it, or make two routes',
        );
    }
  },
});

/** Keys of an application that say something of instances. */
const ofInstances = ['instances', 'port', 'readiness', 'http2', 'stop_timeout', 'restart', 'protocol', 'connections'];
const ofRequests = [
  'attempts',
  'balance',
  'when_none_ready',
  'response_head_max',
  'sticky',
  'concurrency',
  'circuit_breaker',
];

function reviewSite(read: ApplicationRead, path: Path, findings: Findings): void {
  const at = [...path, 'static'];
  const { root, cache = {} } = sectionOf(read.static ?? '.');
  if (read['command'] !== undefined)
    findings.errorAtKey(
      at,
      '"static" and "command" both answer the requests to the application',
      'remove one of them, or make two applications',
    );
  if (root === undefined)
    findings.errorAtKey(at, 'the application does not say which folder it serves', 'add root: dist');
  else if (root.startsWith('/') || root.split('/').includes('..'))
    findings.errorAtKey(
      at,
      `the folder ${quoted(root)} is not in the release`,
      'write a path below "directory", such as dist',
    );
  reviewCache(Object.keys(cache), [...at, 'cache'], findings);
  for (const key of [...ofInstances, ...ofRequests].filter((one) => read[one] !== undefined))
    findings.warnAtKey([...path, key], `${quoted(key)} has no effect beside "static": no process answers`, 'remove it');
  const strategy = isSection(read['releases']) ? read['releases']['strategy'] : undefined;
  if (strategy === 'canary' || strategy === 'rolling')
    findings.warnAtKey(
      [...path, 'releases', 'strategy'],
      'all requests go to the new folder at once beside "static"',
      'remove it',
    );
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Files answer whole requests: they share them with nothing. */
function reviewRouteTo(
  { to, files: read }: RouteRead & ReadBeside,
  path: Path,
  sites: ReadonlySet<string>,
  findings: Findings,
): void {
  const names = typeof to === 'string' ? [to] : isSection(to) ? Object.keys(to) : [];
  const site = names.find((name) => sites.has(name));
  if (site === undefined) return;
  if (isSection(to))
    findings.errorAtKey(
      [...path, 'to'],
      `${quoted(site)} is static, and shares requests with no other application`,
      `write "to: ${site}"`,
    );
  else if (read !== undefined)
    findings.errorAtKey(
      [...path, 'files'],
      `${quoted(site)} answers with its own files`,
      'remove "files", or make two routes',
    );
}
const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';

/** The first glob that matches holds. */
function reviewCache(globs: readonly string[], path: Path, findings: Findings): void {
  for (const [at, glob] of globs.entries()) {
    const before = globs.slice(0, at).find((one) => coversGlob(one, glob));
    if (before !== undefined)
      findings.warnAtKey(
        [...path, glob],
        `it never holds: ${quoted(before)} before it matches all that it does`,
        `write it before ${quoted(before)}`,
      );
  }
}

/** Whether one glob matches all that another one does. False where that would take more than a look at their texts. */
function coversGlob(one: string, other: string): boolean {
  if (/^\/?\*\*$/.test(one) || one === '*') return true;
  if (one.includes('?')) return false;
  if (!one.includes('/')) return globTest(one, '/')(other.slice(other.lastIndexOf('/') + 1));
  const isDeep = other.includes('**') && !one.includes('**');
  return other.includes('/') && !isDeep && globTest(one.replace(/^\//, ''), '/')(other.replace(/^\//, ''));
}

/** Of an endpoint. */
function reviewTimeouts(timeouts: ReadBeside['timeouts'] = {}, path: Path, findings: Findings): void {
  for (const key of Object.keys(timeouts).filter((one) => one !== 'idle' && one !== 'exchange'))
    findings.warnAtKey([...path, key], `${quoted(key)} has no effect beside "files"`, 'remove it');
}
