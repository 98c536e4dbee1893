import type { ErrorCollector } from './error-collector.ts';
import { type Draft, isMap } from './draft.ts';
import { parseEditedHeaderName, parseHeaderName } from '../schema/format/field.ts';
import { type ErrorDetail, quoted } from '../schema/error-detail.ts';
import type { Path } from '../schema/findings.ts';
import { hidingAt } from './hidden-keys.ts';

/** Maps whose keys are not ours, but follow a rule: header names, statuses, variables. */
export function reviewKeys(draft: Draft, collector: ErrorCollector): void {
  const check = (value: unknown, path: Path, objectTo: (key: string) => ErrorDetail | null): void => {
    if (!isMap(value)) return;
    for (const key of Object.keys(value)) collector.addDetail([...path, key], objectTo(key), 'key');
  };
  check(draft.raw['error_pages'], ['error_pages'], statusError);
  const checkHeaders = (scope: Readonly<Record<string, unknown>>, path: Path): void => {
    for (const side of ['request_headers', 'response_headers']) {
      const edits = scope[side];
      if (!isMap(edits)) continue;
      for (const edit of ['set', 'add', 'default']) check(edits[edit], [...path, side, edit], headerError);
    }
    check(scope['security_headers'], [...path, 'security_headers'], headerError);
  };
  checkHeaders(draft.raw, []);
  const applications = draft.raw['applications'];
  for (const [name, application] of Object.entries(isMap(applications) ? applications : {})) {
    if (isMap(application)) check(application['environment'], ['applications', name, 'environment'], variableError);
  }
  const routes = draft.raw['routes'];
  for (const [at, route] of (Array.isArray(routes) ? routes : []).entries()) {
    if (!isMap(route)) continue;
    check(route['error_pages'], ['routes', at, 'error_pages'], statusError);
    check(route['headers'], ['routes', at, 'headers'], (key) => detailIn(parseHeaderName(key)));
    checkHeaders(route, ['routes', at]);
  }
}

function detailIn(result: { ok: true } | { ok: false; failure: ErrorDetail }): ErrorDetail | null {
  return result.ok ? null : result.failure;
}

function headerError(key: string): ErrorDetail | null {
  return detailIn(parseEditedHeaderName(key));
}

function statusError(key: string): ErrorDetail | null {
  if (key === 'default' || /^[45](?:\d\d|xx)$/.test(key)) return null;
  const suggestion =
    key === '*' ? 'write default, or each status' : 'write a status from 400 to 599, a class such as 5xx, or default';
  return { message: `${quoted(key)} is not the status of a failure`, suggestion };
}

function variableError(key: string): ErrorDetail | null {
  if (key === 'PORT')
    return { message: 'PORT is told to an application by Candor', suggestion: 'write "port: …" beside "command"' };
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return null;
  return {
    message: `${quoted(key)} is not the name of a variable`,
    suggestion: 'use letters, digits and "_", the first not a digit',
  };
}

/** Asterisks that `candor configuration show` printed in place of a secret, and that were not replaced by it. */
export function reviewHidden(draft: Draft, collector: ErrorCollector): void {
  for (const path of hiddenValues(draft.raw))
    collector.warnAtValue(
      path,
      'this is what `candor configuration show` prints in place of a hidden value',
      'put the value back',
    );
}

/** Where `***` stands for a value, or for a part of one that may be hidden. */
export function* hiddenValues(value: unknown, path: Path = []): Generator<Path> {
  // What a route answers is text of any kind.
  if (path[0] === 'routes' && path.at(-1) === 'respond') return;
  if (typeof value === 'string' && value.includes('***')) {
    if (value === '***' || value.includes('//***@') || hidingAt(path, value).hiding !== null) yield path;
  } else if (Array.isArray(value)) for (const [at, one] of value.entries()) yield* hiddenValues(one, [...path, at]);
  else if (isMap(value)) for (const [key, one] of Object.entries(value)) yield* hiddenValues(one, [...path, key]);
}
