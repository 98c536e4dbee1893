import { globTest } from './glob.ts';
import { checkedPattern, literalBeginning, type Pattern } from './pattern.ts';

/** Of the paths of a route one: '/login' alone, or all that a glob or a regular expression stands for. A prefix is `RouteMatch.pathPrefix`, or one of several. */
export interface PathMatch {
  readonly kind: 'prefix' | 'exact' | 'glob' | 'pattern';
  /**
   * A plain path, of a glob with `*` for any characters of one segment and `**` for any, and without the slash at its beginning if it may begin in any
   * folder; or a regular expression, which is found anywhere in a plain path.
   */
  readonly text: string;
}

/** The paths of a route, as they are read. */
export type RoutePaths = PathMatch | readonly PathMatch[] | undefined;

/** Whether one of them stands for a path and what is below it. */
export function hasPrefix(paths: RoutePaths): boolean {
  return [paths ?? []].flat().some(({ kind }) => kind === 'prefix');
}

/** `/api` matches `/api`, `/api/x` and `/api?x`, not `/apiary`. */
export function matchesPrefix(prefix: string, target: string): boolean {
  if (prefix === '/') return true;
  if (!target.startsWith(prefix)) return false;
  if (prefix.endsWith('/') || target.length === prefix.length) return true;
  const next = target.charCodeAt(prefix.length);
  return next === slash || next === question;
}

/** Asked with plain paths, and their queries, which are not matched. */
export type PathTest = (target: string) => boolean;

export function pathTest({ kind, text }: PathMatch): PathTest {
  if (kind === 'prefix') return (target) => matchesPrefix(text, target);
  if (kind === 'exact') return (target) => target.startsWith(text) && pathEnd(target) === text.length;
  if (kind === 'pattern') return patternTest(text);
  const tests = (text.startsWith('/') ? [text] : [`/${text}`, `/**/${text}`]).map((glob) => globTest(glob, '/'));
  return (target) => tests.some((test) => test(target, pathEnd(target)));
}

/** Its literal beginning decides about most paths. */
function patternTest(text: string): PathTest {
  const [beginning, pattern] = [literalBeginning(text), checkedPattern(text)];
  return (target) => target.startsWith(beginning) && pattern.test(target.slice(0, pathEnd(target)));
}

interface MatchedPaths {
  readonly pathPrefix: string;
  readonly paths?: readonly PathMatch[];
}

/** What a route matches. */
export function pathsOf({ pathPrefix, paths }: MatchedPaths): readonly PathMatch[] {
  return paths ?? [{ kind: 'prefix', text: pathPrefix }];
}

/** Whether the text replaces the whole path: what a route matches is no single beginning of paths, or the text says where the path goes. */
export function replacesWholePath({ paths }: Pick<MatchedPaths, 'paths'>, text: string): boolean {
  return paths !== undefined || text.includes('{path}');
}

/** What a group has found in a plain path, by its name or number. */
export type CaptureFinder = (path: string, name: string) => string | null;

/** Null: no path of the route is a regular expression. */
export function captureFinder(match: MatchedPaths): CaptureFinder | null {
  const patterns = pathsOf(match).flatMap(({ kind, text }) => (kind === 'pattern' ? checkedPattern(text) : []));
  if (patterns.length === 0) return null;
  return (path, name) => {
    for (const pattern of patterns) {
      const found = pattern.captures(path);
      if (found !== null) return found[pattern.names.get(name) ?? Number(name)] ?? null;
    }
    return null;
  };
}

/** Names and numbers of the groups that each of the paths has. */
export function captureNames(paths: readonly PathMatch[]): readonly string[] {
  const [first = [], ...others] = paths.map(({ kind, text }) =>
    kind === 'pattern' ? groupsOf(checkedPattern(text)) : [],
  );
  return first.filter((name) => others.every((names) => names.includes(name)));
}

function groupsOf({ names, groupCount }: Pattern): readonly string[] {
  return [...names.keys(), ...Array.from({ length: groupCount + 1 }, (_, number) => String(number))];
}

/** The folder that all paths of it lie in, or the path itself: routes are found by it. */
export function literalPrefix({ kind, text }: PathMatch): string {
  if (kind === 'prefix' || kind === 'exact') return text;
  if (!text.startsWith('/') && kind === 'glob') return '/';
  const literal = kind === 'glob' ? text.slice(0, text.indexOf('*')) : literalBeginning(text);
  const last = literal.lastIndexOf('/');
  return last <= 0 ? '/' : literal.slice(0, last);
}

/** Whether all paths of `other` are among those of the first. False where that would take more than a look at their texts. */
export function coversPath(one: PathMatch, other: PathMatch): boolean {
  if (one.kind === 'prefix') return matchesPrefix(one.text, literalPrefix(other));
  if (one.kind === 'exact') return other.kind === 'exact' && other.text === one.text;
  if (one.kind === 'glob' && other.kind === 'exact') return pathTest(one)(other.text);
  return other.kind === one.kind && other.text === one.text;
}

/** 'begins with /api', 'is not /login' */
export function pathText({ kind, text }: PathMatch, isNot = false): string {
  return `${verbs[kind][isNot ? 1 : 0]} ${text}`;
}

const verbs = {
  prefix: ['begins with', 'does not begin with'],
  exact: ['is', 'is not'],
  glob: ['is like', 'is not like'],
  pattern: ['matches', 'does not match'],
} as const;

const [slash, question] = [0x2f, 0x3f];

function pathEnd(target: string): number {
  const end = target.indexOf('?');
  return end < 0 ? target.length : end;
}
