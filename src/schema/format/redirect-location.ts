import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { reject, quoted } from '../error-detail.ts';

const placeholders: ReadonlySet<string> = new Set(['{path}', '{query}', '{host}']);

/** Scheme, host (with what stands for it) and port; what follows is the path. */
const urlBeginning = /^https?:\/\/(?:\{host\}|[A-Za-z0-9._~:[\]-])+/i;

/**
 * RFC 9110 §10.2.2: a URI reference, in which `{path}`, `{query}` and `{host}` stand for those of the request. They may
 * stand only where no request can change what the rest of the location means.
 */
export function parseRedirectLocation(written: string): Result<string, ErrorDetail> {
  if (!/^[\x21-\x7e]+$/.test(written)) {
    const meant = withStatus(written);
    if (meant !== null) return reject(`${quoted(written)} is more than a location`, `write ${meant}`);
    return reject(
      `the location ${quoted(written)} has characters that a URL must percent-encode`,
      written === '' ? null : `write ${quoted(encodeURI(written.toWellFormed().trim()))}`,
    );
  }
  const placeholderError = placeholdersError(written);
  if (placeholderError !== null) return { ok: false, failure: placeholderError };
  const filled = written.replaceAll('{host}', 'host').replaceAll('{path}', '/path').replaceAll('{query}', '');
  if (/^\/[/\\]/.test(written))
    return reject(
      `the location ${quoted(written)} leads to another host, without saying by which scheme`,
      'write /path or https://host/path',
    );
  const isUrl = /^https?:\/\//i.test(written);
  if (isUrl ? URL.canParse(filled) : filled.startsWith('/')) return succeed(written);
  return reject(`the location ${quoted(written)} is neither a path nor a URL`, 'write /path or https://host/path');
}

/** `301 /new` of nginx and `/new permanent` of Caddy; null: it is neither. */
function withStatus(written: string): string | null {
  const [, before, location = '', after] =
    /^\s*(?:(30[12378])\s+)?(\S+?)(?:\s+(30[12378]|permanent|temporary|redirect))?\s*;?\s*$/.exec(written) ?? [];
  const status = before ?? (after === 'permanent' ? '301' : /^[tr]/.test(after ?? '') ? '302' : after);
  if (status === undefined || !parseRedirectLocation(location).ok) return null;
  return `{ location: ${/[{}]/.test(location) ? JSON.stringify(location) : location}, status: ${status} }`;
}

function placeholdersError(written: string): ErrorDetail | null {
  const braces = written.match(/\{[^{}]*\}?|\}/g) ?? [];
  const unknown = braces.find((one) => !placeholders.has(one));
  if (unknown !== undefined)
    return {
      message: `the location has ${quoted(unknown)}, which stands for nothing`,
      suggestion: 'write {path}, {query} or {host}; a brace that is meant is %7B or %7D',
    };
  if (braces.length === 0) return null;
  return queryError(written) ?? pathError(written) ?? hostError(written);
}

/** It brings its own question mark. */
function queryError(written: string): ErrorDetail | null {
  if (!written.includes('{query}') || /^[^?#]*\{query\}(?:#|$)/.test(written)) return null;
  return {
    message: '{query} begins with "?", so it ends the location and stands behind no other "?"',
    suggestion: 'write it directly behind the path, as in /new{path}{query}',
  };
}

/** It brings its own slash, and `//` begins a host. */
function pathError(written: string): ErrorDetail | null {
  if (!written.includes('{path}')) return null;
  if (/[/\\]\{path\}/.test(written) && !/:\/\/\{path\}/.test(written))
    return { message: '{path} begins with "/"', suggestion: 'remove the slash before it' };
  if (/[?#].*\{path\}/.test(written))
    return {
      message: '{path} is a path, and stands in no query and no fragment',
      suggestion: 'write it before the "?"',
    };
  return null;
}

function hostError(written: string): ErrorDetail | null {
  if (!/^https?:/i.test(written)) return null;
  const beginning = urlBeginning.exec(written)?.[0] ?? null;
  const rest = beginning === null ? null : written.slice(beginning.length);
  if (rest !== null && (rest === '' || /^(?:[/?#]|\{path\}|\{query\})/.test(rest))) return null;
  return {
    message: `the location ${quoted(written)} has no host that is sure`,
    suggestion: 'write a host or {host} directly behind "//", as in https://new.example{path}',
  };
}

/** The location of a move to another host: a URL that names no page gets the path and query of the request. */
export function withPath(location: string): string {
  const beginning = urlBeginning.exec(location)?.[0];
  const rest = beginning === undefined ? null : location.slice(beginning.length);
  return rest === '' || rest === '/' ? `${beginning}{path}{query}` : location;
}
