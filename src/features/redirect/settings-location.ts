import { compileTemplate } from '../../core/template.ts';
import type { VariableSource } from '../../core/variables.ts';

/** The Location for a request; null: it names the request's host, and the request has none. */
export type LocationOf = (request: VariableSource) => string | null;

/**
 * Fills in a location with variables. The path is the one by which routes are found, so it has one slash at
 * its beginning and no dot segments; characters that a browser could take for more than a path are percent-encoded. A location that is
 * a path stays a path: no request can turn it into a host (`//host`, or `/\host`, which browsers treat alike).
 */
export function locationOf(text: string): LocationOf {
  const template = compileTemplate(text);
  if (typeof template === 'string') return () => template;
  const namesHost = template.variables.some(({ written }) => written === 'host');
  return (request) => {
    if (namesHost && request.host === '') return null;
    const location = template.fill(request, encodeIn);
    return location.startsWith('/') ? location.replace(/^[/\\]+/, '/') : location;
  };
}

function encodeIn(value: string, variable: string): string {
  if (variable === 'host') return value;
  // `OPTIONS *` has no path.
  if (variable === 'path') return value.startsWith('/') ? encoded(value, /[^\w\-.~!$&'()*+,;=:@%/]/g) : '/';
  return encoded(value, variable === 'query' ? /[^\x21-\x7e]|[#"<>\\`{}]/g : /[^\w\-.~]/g);
}

/** Each character of a target is one byte. */
function encoded(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
