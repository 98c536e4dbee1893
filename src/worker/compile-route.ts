import type { FieldEdits, RouteSpec } from '../core/route-spec.ts';
import { type FieldFilter, fieldFilter, gatewayFieldNames } from '../core/field-names.ts';
import { compileFilters } from '../exchange/filter-pipeline.ts';
import { type OwnRequestFields, ownRequestFields, ownResponseFields } from '../exchange/forward.ts';
import type { FieldChange, RequestFieldChange, Route, RouteHop, Upstream } from '../exchange/ports.ts';
import { noHooks, type RouteHooks } from './feature-parts.ts';
import type { OverridableRoute } from './route-overrides.ts';
import { hasDotSegment, plainPath } from '../wire/plain-path.ts';
import { filtersOf } from './route-filters.ts';
import { routeHop } from './route-hop.ts';
import { matchesPath } from '../policy/route-match.ts';

/** A route whose filters the overlay may replace. */
export interface CompiledRoute extends OverridableRoute, Omit<Route, keyof OverridableRoute> {
  readonly upstream: Upstream | null;
}

/**
 * A route prepared for exchanges. `upstream` is the one that its action names, null for other actions; `own` are the field filters of
 * all routes of a configuration, so that routes without edits share them. The filters of `hooks` come before those of the action.
 */
export function compileRoute(
  spec: RouteSpec,
  upstream: Upstream | null,
  own: OwnRequestFields = ownOfAll,
  hooks: RouteHooks = noHooks,
  hop: RouteHop = routeHop('', '', spec.id),
): CompiledRoute {
  const ownFilters = [...hooks.filters, ...filtersOf(spec)];
  const prefixRemoved = prefixRemovedBy(spec.match.pathPrefix, spec.rewrite.pathPrefix);
  return {
    id: spec.id,
    upstream,
    filters: compileFilters(ownFilters),
    ownFilters,
    overlayRevision: 0,
    reportsReadiness: spec.action.kind === 'readiness',
    timeouts: spec.timeouts,
    tunnel: spec.tunnel,
    commitDelayMs: spec.commitDelayMs,
    buffer: spec.buffer,
    bounds: hooks.bounds,
    retry: hooks.retry,
    errorPages: spec.errorPages,
    disclosure: spec.disclosure,
    hop,
    request: requestChange(spec.requestFields, hooks.requestFieldsRemoved, prefixRemoved, own),
    response: isEmpty(spec.responseFields) ? responseUnedited : fieldChange(spec.responseFields, ownResponseFields),
    hostSent: spec.rewrite.host,
    rewrite: rewriteOf(spec.match.pathPrefix, spec.rewrite.pathPrefix),
    prefixRemoved,
    covers: coversOf(spec),
  };
}

const ownOfAll = ownRequestFields(null);

/** Of routes without edits, which share them: most routes have none. */
const requestUnedited = new WeakMap<OwnRequestFields, RequestFieldChange>();
const responseUnedited: FieldChange = { drop: ownResponseFields, lines: [] };

function requestChange(
  written: FieldEdits,
  removed: readonly string[],
  prefixRemoved: string,
  own: OwnRequestFields,
): RequestFieldChange {
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
  ...gatewayFieldNames,
  ...[prefixName, 'x-client-cert-subject', 'x-client-cert-fingerprint'],
]);

function isEmpty({ remove, set, add }: FieldEdits): boolean {
  return remove.length === 0 && set.length === 0 && add.length === 0;
}

/** `written` are further names that the gateway writes itself on this route. */
function editedRequest(
  edits: FieldEdits,
  { ofUntrusted, ofTrusted }: OwnRequestFields,
  written: readonly string[] = [],
): RequestFieldChange {
  const { drop, lines } = fieldChange(edits, ofUntrusted);
  const { drop: usual } = fieldChange(edits, ofTrusted);
  const dropOfTrusted = written.length === 0 ? usual : fieldFilter(written, usual);
  const names = [...edits.remove, ...edits.set.map(([name]) => name)].map((name) => name.toLowerCase());
  const edited = names.filter((name) => writtenNames.has(name));
  return { drop, lines, dropOfTrusted, edited: edited.length === 0 ? null : new Set(edited) };
}

function fieldChange(edits: FieldEdits, own: FieldFilter): FieldChange {
  const names = [...edits.remove, ...edits.set.map(([name]) => name)];
  return { drop: names.length === 0 ? own : fieldFilter(names, own), lines: [...edits.set, ...edits.add] };
}

const unchanged = (target: string): string => target;

function coversOf({ match, rewrite }: RouteSpec): Route['covers'] {
  if (match.pathPrefix === '/' && rewrite.pathPrefix === null) return null;
  const plainPrefix = plainPath(match.pathPrefix);
  return (target) => matchesPath(plainPrefix, plainPath(target));
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
    const asSpelt = matchesPath(matched, target) && !hasDotSegment(target);
    const rest = asSpelt ? target.slice(prefix.length) : plainPath(target).slice(plainPrefix.length);
    // Two slashes would begin another host (RFC 3986 §4.2), where an application redirects to its own target.
    return `${base}${rest}`.replace(/^\/*/, '/');
  };
}
