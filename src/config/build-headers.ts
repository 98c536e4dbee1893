import type { HeaderEdits, ResponseHeaderEdits, UnroutedSettings } from '../core/route-spec.ts';
import type { RequestHeadersRead, ResponseHeadersRead, SecurityHeadersRead } from './headers-schema.ts';
import { strictSecurityHeaders } from './security-headers.ts';

type Lines = HeaderEdits['set'];

interface Read {
  readonly request_headers?: RequestHeadersRead | undefined;
  readonly response_headers?: ResponseHeadersRead | undefined;
  readonly security_headers?: SecurityHeadersRead | undefined;
}

export function buildRequestHeaders(file: Read, route: Read): HeaderEdits {
  return withoutAbsent(merged(editsOf(file.request_headers), editsOf(route.request_headers)));
}

export function buildResponseHeaders(file: Read, route: Read): ResponseHeaderEdits {
  const edits = merged(editsOf(file.response_headers), editsOf(route.response_headers));
  const security = Object.entries(linesOf(route.security_headers ?? file.security_headers ?? 'none'));
  const named = namesIn(edits);
  const ifAbsent = [...edits.ifAbsent, ...security.filter(([name]) => !named.has(name.toLowerCase()))];
  return ifAbsent.length === 0 ? withoutAbsent(edits) : { ...edits, ifAbsent };
}

function withoutAbsent({ remove, set, add }: AllEdits): HeaderEdits {
  return { remove, set, add };
}

function linesOf(read: SecurityHeadersRead): Readonly<Record<string, string>> {
  if (read === 'none') return {};
  return read === 'strict' ? strictSecurityHeaders : read;
}

type AllEdits = Required<ResponseHeaderEdits>;

function editsOf(read: ResponseHeadersRead | RequestHeadersRead | undefined): AllEdits {
  return {
    remove: (read?.remove ?? []).map((name) => name.toLowerCase()),
    set: Object.entries(read?.set ?? {}),
    add: Object.entries(read?.add ?? {}).flatMap(([name, values]) => values.map((value) => [name, value] as const)),
    ifAbsent: Object.entries(read !== undefined && 'default' in read ? (read.default ?? {}) : {}),
  };
}

function namesIn({ remove, set, add, ifAbsent }: AllEdits): ReadonlySet<string> {
  return new Set([...remove, ...[...set, ...add, ...ifAbsent].map(([name]) => name.toLowerCase())]);
}

/** What a route says of a header replaces what the file says of it; what it adds stands beside. */
function merged(file: AllEdits, route: AllEdits): AllEdits {
  const named = namesIn({ ...route, add: [] });
  const kept = (lines: Lines): Lines => lines.filter(([name]) => !named.has(name.toLowerCase()));
  return {
    remove: [...file.remove.filter((name) => !named.has(name)), ...route.remove],
    set: [...kept(file.set), ...route.set],
    add: [...kept(file.add), ...route.add],
    ifAbsent: [...kept(file.ifAbsent), ...route.ifAbsent],
  };
}

/** For answers to requests without a route. */
export function unroutedHeaders(file: Read): Pick<UnroutedSettings, 'responseHeaders'> {
  const given = file.response_headers !== undefined || file.security_headers !== undefined;
  return given ? { responseHeaders: buildResponseHeaders(file, {}) } : {};
}
