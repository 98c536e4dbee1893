import type { HeaderEdits, RouteSpec } from '../core/route-spec.ts';
import { headerFilter, gatewayHeaderNames } from '../core/header-names.ts';
import { compileFilters } from '../exchange/filter-pipeline.ts';
import { type OwnRequestHeaders, ownRequestHeaders } from '../exchange/forward.ts';
import type { RequestHeaderChange, Route, RouteHop, RouteSplit, Upstream } from '../exchange/ports.ts';
import { headerChange, isEmpty, responseChange } from './compile-headers.ts';
import { noHooks, type RouteHooks } from './feature-parts.ts';
import type { OverridableRoute } from './route-overrides.ts';
import { hasDotSegment, plainMatch, plainPath } from '../wire/plain-path.ts';
import { routeHop } from './route-hop.ts';
import { matchesPrefix, pathsOf, pathTest } from '../core/path-match.ts';

/** A route whose filters the overlay may replace. */
export interface CompiledRoute extends OverridableRoute, Omit<Route, keyof OverridableRoute> {
  readonly upstream: Upstream | null;
  readonly split: (RouteSplit & { readonly variants: readonly CompiledRoute[] }) | null;
}

/**
 * A route prepared for exchanges. `upstream` is the one that its action names, null for other actions; `own` are the header filters of
 * all routes of a configuration, so that routes without edits share them.
 */
export function compileRoute(
  spec: RouteSpec,
  upstream: Upstream | null,
  own: OwnRequestHeaders = ownOfAll,
  hooks: RouteHooks = noHooks,
  hop: RouteHop = routeHop('', '', spec.id),
): CompiledRoute {
  const ownFilters = hooks.filters;
  const prefixRemoved = prefixRemovedBy(spec.match.pathPrefix, spec.rewrite.pathPrefix);
  return {
    id: spec.id,
    upstream,
    split: null,
    filters: compileFilters(ownFilters),
    ownFilters,
    overlayRevision: 0,
    answersChecks: hooks.answersChecks,
    timeouts: spec.timeouts,
    tunnel: spec.tunnel,
    commitDelayMs: spec.commitDelayMs,
    buffer: spec.buffer,
    bounds: hooks.bounds,
    retry: hooks.retry,
    bodyLimits: hooks.bodyLimits,
    recording: hooks.recording,
    asksPrevious: hooks.asksPrevious,
    errorPages: spec.errorPages,
    disclosure: spec.disclosure,
    hop,
    request: requestChange(spec.requestHeaders, hooks.requestHeadersRemoved, prefixRemoved, own),
    response: responseChange(spec.responseHeaders, hooks.responseHeaders),
    hostSent: spec.rewrite.host,
    rewrite: rewriteOf(spec.match.pathPrefix, spec.rewrite.pathPrefix),
    prefixRemoved,
    script: hooks.script,
    covers: coversOf(spec),
  };
}

const ownOfAll = ownRequestHeaders(null);

/** Of routes without edits, which share them: most routes have none. */
const requestUnedited = new WeakMap<OwnRequestHeaders, RequestHeaderChange>();

function requestChange(
  written: HeaderEdits,
  removed: readonly string[],
  prefixRemoved: string,
  own: OwnRequestHeaders,
): RequestHeaderChange {
  const edits = removed.length === 0 ? written : { ...written, remove: [...written.remove, ...removed] };
  if (prefixRemoved !== '') return editedRequest(edits, own, [prefixName]);
  if (!isEmpty(edits)) return editedRequest(edits, own);
  const known = requestUnedited.get(own);
  if (known !== undefined) return known;
  const unedited = editedRequest(edits, own);
  requestUnedited.set(own, unedited);
  return unedited;
}

const prefixName = 'x-forwarded-prefix';
const writtenNames: ReadonlySet<string> = new Set([
  ...gatewayHeaderNames,
  ...[prefixName, 'x-client-cert-subject', 'x-client-cert-fingerprint'],
]);

/** `written` are further names that the gateway writes itself on this route. */
function editedRequest(
  edits: HeaderEdits,
  { ofUntrusted, ofTrusted }: OwnRequestHeaders,
  written: readonly string[] = [],
): RequestHeaderChange {
  const { drop, lines } = headerChange(edits, ofUntrusted);
  const { drop: usual } = headerChange(edits, ofTrusted);
  const dropOfTrusted = written.length === 0 ? usual : headerFilter(written, usual);
  const names = [...edits.remove, ...edits.set.map(([name]) => name)].map((name) => name.toLowerCase());
  const edited = names.filter((name) => writtenNames.has(name));
  return { drop, lines, dropOfTrusted, edited: edited.length === 0 ? null : new Set(edited) };
}

const unchanged = (target: string): string => target;

function coversOf({ match, rewrite }: RouteSpec): Route['covers'] {
  if (match.pathPrefix === '/' && match.paths === undefined && rewrite.pathPrefix === null) return null;
  const tests = pathsOf(match).map((path) => pathTest(plainMatch(path)));
  return (target) => tests.some((isPath) => isPath(plainPath(target)));
}

/** `/api` rewritten to `/`, and `/api/v1` to `/v1`, remove `/api`. Where `/api` becomes `/v1`, no prefix says so: ''. */
function prefixRemovedBy(matched: string, replacement: string | null): string {
  const [prefix, base] = [matched, replacement ?? matched].map((path) => path.replace(/\/$/, '')) as [string, string];
  return prefix.endsWith(base) ? prefix.slice(0, prefix.length - base.length) : '';
}

/**
 * `/api` rewritten to `/v1`: `/api/x?y` becomes `/v1/x?y`, `/api` becomes `/v1`. The rest keeps its spelling, unless it
 * has dot segments: they could lead out of the new prefix.
 */
export function rewriteOf(matched: string, replacement: string | null): (target: string) => string {
  if (replacement === null) return unchanged;
  const prefix = matched.endsWith('/') ? matched.slice(0, -1) : matched;
  const base = replacement.endsWith('/') ? replacement.slice(0, -1) : replacement;
  const plainPrefix = plainPath(prefix);
  return (target) => {
    if (!target.startsWith('/')) return target;
    const asSpelt = matchesPrefix(matched, target) && !hasDotSegment(target);
    const rest = asSpelt ? target.slice(prefix.length) : plainPath(target).slice(plainPrefix.length);
    // Two slashes would begin another host (RFC 3986 §4.2), where an application redirects to its own target.
    return `${base}${rest}`.replace(/^\/*/, '/');
  };
}
