import { compileTemplate } from './template.ts';
import { fillUrl } from './url-text.ts';
import type { VariableSource } from './variables.ts';

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
    const location = fillUrl(template, request);
    return location.startsWith('/') ? location.replace(/^[/\\]+/, '/') : location;
  };
}
