import type { RouteMatch } from './route-spec.ts';

/** Of the paths of a route one: '/login' alone, or all that a glob stands for. A prefix is `RouteMatch.pathPrefix`, or one of several. */
export interface PathMatch {
  readonly kind: 'prefix' | 'exact' | 'glob';
  /** A plain path; of a glob with `*` for any characters of one segment, and `**` for any characters. */
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
  return globTest(text);
}

/** What a route matches. */
export function pathsOf({ pathPrefix, paths }: Pick<RouteMatch, 'pathPrefix' | 'paths'>): readonly PathMatch[] {
  return paths ?? [{ kind: 'prefix', text: pathPrefix }];
}

/** The folder that all paths of it lie in, or the path itself: routes are found by it. */
export function literalPrefix({ kind, text }: PathMatch): string {
  if (kind !== 'glob') return text;
  const literal = text.slice(0, text.indexOf('*'));
  const last = literal.lastIndexOf('/');
  return last <= 0 ? '/' : literal.slice(0, last);
}

/** Whether all paths of `other` are among those of the first. False where that would take more than a look at their texts. */
export function coversPath(one: PathMatch, other: PathMatch): boolean {
  if (one.kind === 'prefix') return matchesPrefix(one.text, literalPrefix(other));
  if (one.kind === 'exact') return other.kind === 'exact' && other.text === one.text;
  return other.kind === 'exact' ? pathTest(one)(other.text) : other.kind === 'glob' && other.text === one.text;
}

/** 'begins with /api', 'is not /login' */
export function pathText({ kind, text }: PathMatch, isNot = false): string {
  return `${verbs[kind][isNot ? 1 : 0]} ${text}`;
}

const verbs = {
  prefix: ['begins with', 'does not begin with'],
  exact: ['is', 'is not'],
  glob: ['is like', 'is not like'],
} as const;

const [slash, question, star] = [0x2f, 0x3f, 0x2a];

function pathEnd(target: string): number {
  const end = target.indexOf('?');
  return end < 0 ? target.length : end;
}

/** Most globs have one star: then both ends decide. Of others each character of a target costs a look at each of the glob, whatever a client sends. */
function globTest(glob: string): PathTest {
  const [before = '', after = '', ...more] = glob.split(/\*+/);
  if (more.length > 0) return (target) => matchesGlob(glob, target, pathEnd(target));
  const isAny = glob.includes('**');
  return (target) => {
    const end = pathEnd(target);
    const isBetween = end >= before.length + after.length && target.startsWith(before) && target.endsWith(after, end);
    return isBetween && (isAny || !target.slice(before.length, end - after.length).includes('/'));
  };
}

/** The positions in the glob that the target may have come to, as a nondeterministic automaton (Thompson 1968). */
function matchesGlob(glob: string, target: string, end: number): boolean {
  let now = new Set<number>();
  addPosition(now, glob, 0);
  for (let at = 0; at < end && now.size > 0; at++) {
    const next = new Set<number>();
    const code = target.charCodeAt(at);
    for (const position of now) {
      if (glob.charCodeAt(position) !== star) {
        if (glob.charCodeAt(position) === code) addPosition(next, glob, position + 1);
      } else if (isDouble(glob, position) || code !== slash) addPosition(next, glob, position);
    }
    now = next;
  }
  return now.has(glob.length);
}

/** A star may stand for nothing. */
function addPosition(positions: Set<number>, glob: string, position: number): void {
  positions.add(position);
  if (glob.charCodeAt(position) === star) addPosition(positions, glob, position + (isDouble(glob, position) ? 2 : 1));
}

const isDouble = (glob: string, position: number): boolean => glob.charCodeAt(position + 1) === star;
