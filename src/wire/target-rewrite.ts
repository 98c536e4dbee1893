/** What endpoints are asked in place of what clients ask. */
import { matchesPrefix, replacesWholePath } from '../core/path-match.ts';
import type { QueryEdits, RouteMatch, RouteRewrite } from '../core/route-spec.ts';
import { type CompiledText, compileTemplate } from '../core/template.ts';
import { fillUrl } from '../core/url-text.ts';
import type { VariableSource } from '../core/variables.ts';
import { hasDotSegment, plainPath } from './plain-path.ts';
import { queryEditor } from './query-edits.ts';

export interface TargetRewrite {
  /** The target as it is sent to the endpoint. */
  readonly target: (target: string, request: VariableSource) => string;
  /** The same for another path than that of the request, without a query; null: it takes more than the path. */
  readonly otherPath: (path: string) => string | null;
}

/** One for all routes that rewrite nothing. */
const unchangedTarget: TargetRewrite = { target: (target) => target, otherPath: (path) => path };

export function targetRewrite(match: RouteMatch, { pathPrefix, query }: RouteRewrite): TargetRewrite {
  const ofPath = pathPrefix === null ? unchangedTarget : pathRewrite(match, pathPrefix);
  return query === undefined ? ofPath : withQuery(ofPath, query);
}

function withQuery({ target: ofPath, otherPath }: TargetRewrite, edits: QueryEdits): TargetRewrite {
  const edit = queryEditor(edits);
  const target = (before: string, request: VariableSource): string => {
    const rewritten = ofPath(before, request);
    const mark = rewritten.indexOf('?');
    if (!rewritten.startsWith('/')) return rewritten;
    return mark < 0
      ? rewritten + edit('', request)
      : rewritten.slice(0, mark) + edit(rewritten.slice(mark + 1), request);
  };
  return { target, otherPath };
}

function pathRewrite(match: RouteMatch, text: string): TargetRewrite {
  const template = compileTemplate(text);
  if (replacesWholePath(match, text)) return wholeRewrite(template);
  if (typeof template === 'string') {
    const rewrite = prefixRewrite(match.pathPrefix);
    return { target: (target) => rewrite(target, template), otherPath: (path) => rewrite(path, template) };
  }
  const rewrite = prefixRewrite(match.pathPrefix);
  return { target: (target, request) => rewrite(target, filled(template, request)), otherPath: () => null };
}

function wholeRewrite(template: CompiledText): TargetRewrite {
  const target = (before: string, request: VariableSource): string => {
    if (!before.startsWith('/')) return before;
    const mark = before.indexOf('?');
    return asTarget(`${filled(template, request)}${mark < 0 ? '' : before.slice(mark)}`);
  };
  return { target, otherPath: () => (typeof template === 'string' ? template : null) };
}

function filled(template: CompiledText, request: VariableSource): string {
  return typeof template === 'string' ? template : fillUrl(template, request);
}

/**
 * `/api` rewritten to `/v1`: `/api/x?y` becomes `/v1/x?y`, `/api` becomes `/v1`. The rest keeps its spelling, unless it
 * has dot segments: they could lead out of the new prefix.
 */
function prefixRewrite(matched: string): (target: string, replacement: string) => string {
  const prefix = matched.endsWith('/') ? matched.slice(0, -1) : matched;
  const plainPrefix = plainPath(prefix);
  return (target, replacement) => {
    if (!target.startsWith('/')) return target;
    const base = replacement.endsWith('/') ? replacement.slice(0, -1) : replacement;
    const asSpelt = matchesPrefix(matched, target) && !hasDotSegment(target);
    const rest = asSpelt ? target.slice(prefix.length) : plainPath(target).slice(plainPrefix.length);
    return asTarget(`${base}${rest}`);
  };
}

/**
 * Two slashes would begin another host (RFC 3986 §4.2), where an application redirects to its own target. Dot segments that only an application sees
 * which decodes slashes or cuts parameters off would lead out of the new folder: their dots are encoded, once more than such an application decodes.
 */
function asTarget(target: string): string {
  const mark = target.indexOf('?');
  const path = (mark < 0 ? target : target.slice(0, mark)).replace(/^\/*/, '/');
  const held = path.includes('.') || path.includes('%') ? path.replace(dotSegment, encodedDots) : path;
  return mark < 0 ? held : held + target.slice(mark);
}

const dotSegment = /(?<=\/|%2f|%5c)(?:\.|%2e){1,2}(?=[/;]|%2f|%5c|$)/gi;

const encodedDots = (segment: string): string => segment.replace(/\.|%2e/gi, '%252E');
