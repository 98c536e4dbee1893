import type { HeaderEdits, RouteSpec } from '../core/route-spec.ts';
import { headerFilter, gatewayHeaderNames } from '../core/header-names.ts';
import { compileFilters } from '../exchange/filter-pipeline.ts';
import { type OwnRequestHeaders, ownRequestHeaders } from '../exchange/forward.ts';
import type { RequestHeaderChange, Route, RouteHop, RouteSplit, Upstream } from '../exchange/ports.ts';
import { headerChange, isEmpty, responseChange } from './compile-headers.ts';
import { noHooks, type RouteHooks } from './feature-parts.ts';
import type { OverridableRoute } from './route-overrides.ts';
import { plainMatch, plainPath } from '../wire/plain-path.ts';
import { targetRewrite } from '../wire/target-rewrite.ts';
import { routeHop } from './route-hop.ts';
import { captureFinder, pathsOf, pathTest, replacesWholePath } from '../core/path-match.ts';

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
  const prefixRemoved = prefixRemovedBy(spec);
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
    priority: hooks.answersChecks ? null : hooks.priority,
    bounds: hooks.bounds,
    retry: hooks.retry,
    bodyLimits: hooks.bodyLimits,
    recording: hooks.recording,
    asksPrevious: hooks.asksPrevious,
    asksForGateway: hooks.asksForGateway,
    errorPages: spec.errorPages,
    disclosure: spec.disclosure,
    hop,
    request: requestChange(spec.requestHeaders, hooks.requestHeadersRemoved, prefixRemoved, own),
    response: responseChange(spec.responseHeaders, hooks.responseHeadersRemoved, hooks.responseHeaders),
    responseValues: hooks.responseValues,
    hostSent: spec.rewrite.host,
    rewrite: targetRewrite(spec.match, spec.rewrite),
    prefixRemoved,
    capture: captureFinder(spec.match),
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

function coversOf({ match, rewrite }: RouteSpec): Route['covers'] {
  if (match.pathPrefix === '/' && match.paths === undefined && rewrite.pathPrefix === null) return null;
  const tests = pathsOf(match).map((path) => pathTest(plainMatch(path)));
  return (target) => tests.some((isPath) => isPath(plainPath(target)));
}

/** `/api` rewritten to `/`, and `/api/v1` to `/v1`, remove `/api`. Where `/api` becomes `/v1`, no prefix says so: ''. */
function prefixRemovedBy({ match, rewrite: { pathPrefix: replacement } }: RouteSpec): string {
  if (replacement === null || replacesWholePath(match, replacement)) return '';
  const [prefix, base] = [match.pathPrefix, replacement].map((path) => path.replace(/\/$/, '')) as [string, string];
  return prefix.endsWith(base) ? prefix.slice(0, prefix.length - base.length) : '';
}
