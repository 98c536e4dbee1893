/** Files with a redirect in each line: `/old /new 301`. */
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import { variablesIn } from '../../core/template.ts';
import { parseRedirectLocation } from '../../schema/format/redirect-location.ts';
import { type Result, succeed } from '#failures/result.ts';

export interface MapLine {
  /** From 1. */
  readonly line: number;
  readonly from: string;
  readonly to: string;
  /** Null: that of the route. */
  readonly status: number | null;
}

interface MapProblem extends ErrorDetail {
  readonly line: number;
}

export interface RedirectMap {
  readonly lines: readonly MapLine[];
  readonly errors: readonly MapProblem[];
  readonly warnings: readonly MapProblem[];
}

/** Of lines for the same path the first counts. `isOfEveryHost`: the route that has the map. */
export function readRedirectMap(text: string, isOfEveryHost = false): RedirectMap {
  const known = new Map<string, MapLine>();
  const [errors, warnings]: [MapProblem[], MapProblem[]] = [[], []];
  for (const [index, written] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = index + 1;
    if (/^\s*(?:#|$)/.test(written)) continue;
    const read = readLine(written.trim());
    if (!read.ok) {
      errors.push({ ...read.failure, line });
      continue;
    }
    const before = known.get(read.value.from);
    if (before === undefined) known.set(read.value.from, { ...read.value, line });
    else warnings.push({ line, ...duplicateOf(before) });
  }
  const lines = [...known.values()];
  const hosts = isOfEveryHost ? lines.filter(({ to }) => to.includes('{host}')).map(hostProblem) : [];
  return { lines, errors, warnings: [...warnings, ...hosts, ...loopsIn(known)] };
}

function duplicateOf({ from, line }: MapLine): ErrorDetail {
  return { message: `${quoted(from)} stands in line ${line} already, and the first counts`, suggestion: 'remove one' };
}

function hostProblem({ line }: MapLine): MapProblem {
  return {
    line,
    message: '{host} is whatever host a client names, and the route serves every host',
    suggestion: 'add "host" to the route, with the names that are yours',
  };
}

function readLine(text: string): Result<Omit<MapLine, 'line'>, ErrorDetail> {
  const [from = '', to, status, ...more] = text.replace(/\s#.*/, '').split(/\s+/);
  if (to === undefined || more.length > 0 || /^Redirect/.test(from))
    return reject('a line is the old path, the new location and perhaps a status', 'write /old /new, or /old /new 301');
  if (/^["']/.test(from)) return reject('a line has no quotes', `write ${unquoted(from)} ${unquoted(to)}`);
  if (to.endsWith(';')) return reject('a line has no ";" at its end', `write ${from} ${to.slice(0, -1)}`);
  const old = readFrom(from);
  if (!old.ok) return old;
  const location = parseRedirectLocation(to);
  if (!location.ok) return location;
  if (variablesIn(to).some((name) => name.startsWith('capture.')))
    return reject(
      'a line is for one path, which has no captures',
      'make a route of it, with a regular expression as "path"',
    );
  if (status !== undefined && !/^30[12378]$/.test(status))
    return reject(`${quoted(status)} is no status of a redirect`, 'write 301, 302, 303, 307 or 308, or leave it out');
  return succeed({ from: old.value, to: location.value, status: status === undefined ? null : Number(status) });
}

function unquoted(text: string): string {
  return text.replace(/^["']|["'];?$/g, '');
}

/** In the normal form of paths, in which requests are looked for. */
function readFrom(text: string): Result<string, ErrorDetail> {
  const url = /^https?:\/\/[^/]+(\/.*)?$/i.exec(text);
  if (url !== null)
    return reject(
      'the old address is a path: for one host alone the route has "host"',
      `write ${quoted(url[1] ?? '/')}`,
    );
  if (/^[~^]|^[^?]*(?:[$\\^*]|\/:\w)/.test(text))
    return reject(
      `${quoted(text)} is for this path alone: nothing in it stands for others`,
      'make a route of it, with "path" as a glob or a regular expression, or write %2A for a star that is meant',
    );
  if (!text.startsWith('/')) return reject(`${quoted(text)} does not begin with "/"`, `write ${quoted(`/${text}`)}`);
  if (
    !/^(?:[!$&'()*+,\-./0-9:;=@A-Z_a-z~?]|%[\dA-Fa-f]{2})*$/.test(
      text.replace(/\?.*/, (query) => query.replace(/[[\]{}|^`\\"<>]/g, '')),
    )
  )
    return reject(
      `${quoted(text)} has characters that a URL must percent-encode`,
      `write ${quoted(encodeURI(text.toWellFormed()).replace(/%25(?=[\dA-Fa-f]{2})/g, '%'))}`,
    );
  if (/^[^?]*(?:\/\/|\/\.{1,2}(?:[/?]|$))/.test(text))
    return reject(`${quoted(text)} is resolved before it is looked for`, 'write the path without "//", "." and ".."');
  const [path = '', ...query] = text.split('?');
  return succeed([normal(path), ...query].join('?'));
}

const unreserved = /%(?:4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a]|3\d|2d|2e|5f|7e)/gi;

function normal(path: string): string {
  return path.replace(unreserved, decodeURIComponent).replace(/%[\da-f]{2}/gi, (encoded) => encoded.toUpperCase());
}

/** Redirects that lead from one to the next and back. Each line is looked at once; each loop is told at the line of it that comes first. */
function loopsIn(known: ReadonlyMap<string, MapLine>): readonly MapProblem[] {
  const seen = new Map<string, number>();
  const found: MapProblem[] = [];
  let walk = 0;
  for (const first of known.values()) {
    walk++;
    let at: MapLine | undefined = first;
    while (at !== undefined && !seen.has(at.from)) {
      seen.set(at.from, walk);
      at = nextOf(at, known);
    }
    if (at === undefined || seen.get(at.from) !== walk) continue;
    found.push({
      line: at.line,
      message: `clients are redirected in a loop: ${quoted(at.from)} leads back to itself`,
      suggestion: 'redirect to a path that no line has',
    });
  }
  return found;
}

function nextOf({ to }: MapLine, known: ReadonlyMap<string, MapLine>): MapLine | undefined {
  const target = to.replace(/#.*/, '');
  return known.get(target.replace(/\{query\}$/, '')) ?? known.get(target.replace(/\?.*/, ''));
}
