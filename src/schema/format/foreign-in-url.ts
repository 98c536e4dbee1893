import { foreignGroup, foreignVariable } from '../../core/template.ts';
import { type ErrorDetail, quoted } from '../error-detail.ts';

/** A word of another gateway in a URL or path, where it would be sent as it is written; null: there is none. */
export function foreignInUrl(text: string): ErrorDetail | null {
  const group = foreignGroup(text);
  if (group !== null)
    return {
      message: `${quoted(group.written)} is how other gateways write what a group of a regular expression has found`,
      suggestion: `write ${group.ours}, and the expression as "path" of the route: path: "~ ^/old/(.*)$"`,
    };
  const { written = '', ours = null } = foreignVariable(text) ?? {};
  if (ours === null) return null;
  return { message: `${quoted(written)} is a variable of another gateway`, suggestion: `write ${ours}` };
}
