import type { RouteMatch } from '../../core/route-spec.ts';
import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import type { SchemeKeys } from './keys-scheme.ts';

/** A route with what it authenticates by. */
interface AuthenticatedRoute {
  /** Where its schemes are written: beside it, or at the top. */
  readonly at: Path;
  readonly match: RouteMatch;
  readonly schemes: readonly (readonly [scheme: SchemeKeys, read: object])[];
}

/** Whoever comes back from a login to a path that no route with this login gets would see an application in its place. */
export function reviewAnswers(routes: readonly AuthenticatedRoute[], findings: Findings): void {
  const reported = new Set<string>();
  for (const { at, match, schemes } of routes)
    for (const [{ name, answersAt }, read] of schemes) {
      const own = answersAt?.(read);
      if (own === undefined || reported.has(JSON.stringify([at, name]))) continue;
      const isThere = routes.some(
        (other) =>
          gets(other.match, own.path, match.hosts) &&
          other.schemes.some(([scheme, one]) => scheme.answersAt?.(one).by === own.by),
      );
      if (isThere) continue;
      reported.add(JSON.stringify([at, name]));
      const below = match.pathPrefix === '/' ? '' : match.pathPrefix;
      findings.errorAtKey(
        [...at, name],
        `people come back from the login to ${quoted(own.path)}, which no route with this login gets`,
        below === ''
          ? `add a route for the path ${own.path} with the same "authentication"`
          : `add "login_path: ${below}/.candor/login" to it, or a route for the path ${own.path} with the same "authentication"`,
      );
    }
}

/** Of routes with patterns of paths or conditions nobody can say. */
function gets(
  { pathPrefix, paths = [], hosts, methods, conditions = [] }: RouteMatch,
  path: string,
  of: readonly string[],
): boolean {
  const isBelow = pathPrefix === '/' || path === pathPrefix || path.startsWith(`${pathPrefix}/`);
  const isOfHosts = hosts.length === 0 || of.some((host) => hosts.includes(host));
  const isOfMethod = methods.length === 0 || methods.includes('GET');
  return isBelow && paths.length === 0 && isOfHosts && isOfMethod && conditions.length === 0;
}
