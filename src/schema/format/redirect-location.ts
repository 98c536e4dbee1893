import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { templateError, variablesIn } from '../../core/template.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { reject, quoted } from '../error-detail.ts';
import { foreignInUrl } from './foreign-in-url.ts';

/** Scheme, host (with what stands for it) and port; what follows is the path. */
const urlBeginning = /^(?:https?|\{scheme\}):\/\/(?:\{host\}|[A-Za-z0-9._~:[\]-])+/i;

const isWithScheme = /^(?:https?|\{scheme\}):/i;

/**
 * RFC 9110 §10.2.2: a URI reference with variables. They may stand only where no request can change what the rest of the location means.
 * Which captures there are the route knows.
 */
export function parseRedirectLocation(written: string): Result<string, ErrorDetail> {
  const foreign = foreignInUrl(written);
  if (foreign !== null) return { ok: false, failure: foreign };
  const [, before, location = written, after] =
    /^(?:(30[12378])\s+)?(\S+)(?:\s+(30[12378]|permanent|temporary|redirect))?$/.exec(written) ?? [];
  const status = before ?? after;
  if (status !== undefined)
    return reject(
      'a status stands beside the location',
      `write { location: ${quoted(location)}, status: ${statusWords[status] ?? status} }`,
    );
  if (!/^[\x21-\x7e]+$/.test(written)) {
    return reject(
      `the location ${quoted(written)} has characters that a URL must percent-encode`,
      written === '' ? null : `write ${quoted(encodeURI(written.toWellFormed().trim()))}`,
    );
  }
  const placeholderError = placeholdersError(written);
  if (placeholderError !== null) return { ok: false, failure: placeholderError };
  if (written.startsWith('{') && !/^\{path\}|^\{scheme\}:/.test(written))
    return reject(
      'the location begins with a variable, so that a client would say where it leads',
      `write ${quoted(`/${written}`)} for a path of the same host, or a URL with a host`,
    );
  const filled = written
    .replaceAll('{scheme}', 'https')
    .replaceAll('{path}', '/path')
    .replaceAll('{query}', '')
    .replace(variable, 'x');
  if (/^\/[/\\]/.test(written))
    return reject(
      `the location ${quoted(written)} leads to another host, without saying by which scheme`,
      'write /path or https://host/path',
    );
  const isUrl = isWithScheme.test(written);
  if (isUrl ? URL.canParse(filled) : filled.startsWith('/')) return succeed(written);
  return reject(`the location ${quoted(written)} is neither a path nor a URL`, 'write /path or https://host/path');
}

/** Of nginx and Caddy. */
const statusWords: Readonly<Record<string, string>> = { permanent: '301', temporary: '302', redirect: '302' };

const variable = /\{[a-z_][\w.>-]*\}/gi;

function placeholdersError(written: string): ErrorDetail | null {
  const [stray] = /\{[^{}]*\}?|\}/.exec(written.replace(variable, '')) ?? [];
  if (stray !== undefined)
    return {
      message: `the location has ${quoted(stray)}, which stands for nothing`,
      suggestion: 'write {path}, {query} or {host}; a brace that is meant is %7B or %7D',
    };
  const used = variablesIn(written);
  if (used.length === 0) return null;
  const captures = used.flatMap((one) => (one.startsWith('capture.') ? one.slice('capture.'.length) : []));
  const error = templateError(written, captures);
  if (error !== null)
    return {
      ...error,
      suggestion: error.suggestion.replace('a brace that is meant is {{', 'a brace that is meant is %7B'),
    };
  return queryError(written) ?? pathError(written) ?? hostError(written);
}

/** It brings its own question mark. In the value of a parameter it is text. */
function queryError(written: string): ErrorDetail | null {
  if (!/[?&]\{query\}/.test(written) && !/^[^?#]*\{query\}[^#]/.test(written)) return null;
  return {
    message: '{query} begins with "?", so it ends the location and stands behind no other "?"',
    suggestion: 'write it directly behind the path, as in /new{path}{query}',
  };
}

/** It brings its own slash, and `//` begins a host. */
function pathError(written: string): ErrorDetail | null {
  if (!/^[^?#]*[/\\]\{path\}/.test(written) || /:\/\/\{path\}/.test(written)) return null;
  return { message: '{path} begins with "/"', suggestion: 'remove the slash before it' };
}

function hostError(written: string): ErrorDetail | null {
  if (!isWithScheme.test(written)) return null;
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
