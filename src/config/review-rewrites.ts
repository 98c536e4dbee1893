/** What is wrong with rewritten targets. */
import { captureNames } from '../core/path-match.ts';
import { isSwitchWord } from '../schema/format/switch-word.ts';
import { quoted } from '../schema/error-detail.ts';
import type { Findings, Path } from '../schema/findings.ts';
import { reviewText } from '../features/text-keys.ts';
import { replacesWholePath } from '../core/path-match.ts';
import { matchOf } from './match.ts';
import type { RouteRead } from './route-schema.ts';

export function reviewRewrite(route: RouteRead, at: Path, findings: Findings): void {
  const { path = [], rewrite } = route;
  if (rewrite === undefined) return;
  const below = [...at, 'rewrite'];
  const captures = captureNames(path);
  if (rewrite.path !== undefined) {
    reviewText(rewrite.path, [...below, 'path'], findings, null, captures);
    if (path.length > 1 && path.some(({ kind }) => kind === 'prefix') && !rewrite.path.includes('{path}'))
      findings.errorAtKey(
        [...below, 'path'],
        'with several paths it is not clear what it replaces',
        'make a route of each path',
      );
    else if (rewrite.path === '/' && path[0]?.kind === 'glob' && replacesWholePath(matchOf(route), '/'))
      findings.warnAtKey(
        [...below, 'path'],
        'every request of the route becomes "/": a glob is replaced as a whole',
        'write the path that all of them lead to, or {path} for that of the request',
      );
  }
  if (rewrite.query !== undefined) reviewQuery(rewrite.query, [...below, 'query'], captures, findings);
}

function reviewQuery(
  { set = {}, add = {}, remove = [] }: NonNullable<NonNullable<RouteRead['rewrite']>['query']>,
  at: Path,
  captures: readonly string[],
  findings: Findings,
): void {
  if (Object.keys(set).length + Object.keys(add).length + remove.length === 0)
    findings.errorAtValue(at, 'nothing in the query is changed', 'write "set", "add" or "remove"');
  for (const [name, value] of Object.entries(set)) {
    reviewText(value, [...at, 'set', name], findings, null, captures);
    if (remove.includes(name))
      findings.warnAtKey(
        [...at, 'set', name],
        `${quoted(name)} is set after it was removed`,
        'remove it from "remove"',
      );
  }
  for (const [name, values] of Object.entries(add))
    for (const value of values) reviewText(value, [...at, 'add', name], findings, null, captures);
  for (const name of remove)
    if (isSwitchWord(name))
      findings.warnAtKey([...at, 'remove'], `only a parameter called ${quoted(name)} is removed`, 'write "*" for all');
}
