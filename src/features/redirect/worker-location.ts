import { hostOf } from '../../wire/host.ts';
import { plainPath } from '../../wire/plain-path.ts';

/** The Location for a request; null: it names the request's host, and the request has none. */
export type LocationOf = (authority: string, target: string) => string | null;

const placeholder = /(\{(?:path|query|host)\})/;

/**
 * Fills in a location with `{path}`, `{query}` and `{host}`. The path is the one by which routes are found, so it has one slash at
 * its beginning and no dot segments; characters that a browser could take for more than a path are percent-encoded. A location that is
 * a path stays a path: no request can turn it into a host (`//host`, or `/\host`, which browsers treat alike).
 */
export function locationOf(template: string): LocationOf {
  const parts = template.split(placeholder);
  if (parts.length === 1) return () => template;
  return (authority, target) => {
    const host = hostOf(authority);
    if (host === '' && parts.includes('{host}')) return null;
    const location = parts.map((part) => filled(part, host, target)).join('');
    return location.startsWith('/') ? location.replace(/^[/\\]+/, '/') : location;
  };
}

function filled(part: string, host: string, target: string): string {
  const mark = target.indexOf('?');
  switch (part) {
    case '{host}':
      return host;
    case '{path}':
      return safePath(mark < 0 ? target : target.slice(0, mark));
    case '{query}':
      return mark < 0 ? '' : encoded(target.slice(mark), /[^\x21-\x7e]|[#"<>\\`{}]/g);
    default:
      return part;
  }
}

/** `OPTIONS *` has no path. */
function safePath(path: string): string {
  return path.startsWith('/') ? encoded(plainPath(path), /[^\w\-.~!$&'()*+,;=:@%/]/g) : '/';
}

/** Each character of a target is one byte. */
function encoded(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
