import { globTest } from './glob.ts';
import { checkedPattern, literalBeginning } from './pattern.ts';

/** Of the paths of a route one: '/login' alone, or all that a glob or a regular expression stands for. A prefix is `RouteMatch.pathPrefix`, or one of several. */
export interface PathMatch {
  readonly kind: 'prefix' | 'exact' | 'glob' | 'pattern';
  /** A plain path, of a glob with `*` for any characters of one segment and `**` for any; or a regular expression, which is found anywhere in a plain path. */
  readonly text: string;
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
  const test = globTest(text, '/');
  return (target) => test(target, pathEnd(target));
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

/** The folder that all paths of it lie in, or the path itself: routes are found by it. */
export function literalPrefix({ kind, text }: PathMatch): string {
  if (kind === 'prefix' || kind === 'exact') return text;
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
