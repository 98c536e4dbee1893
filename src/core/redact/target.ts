import { namedValueSpans } from './named-values.ts';
import { tokenSpans } from './known-secrets.ts';
import { leftOut, replaceSpans } from './span.ts';
import { encodedUserInformationSpans, hideUserOfAuthority, userInformationSpans } from './user-information.ts';

/** A path or a host without any of these, and for which `hidesSecret` is false, is shown as it came. */
export const secretSigns = '@=#';

/** Shorter than this is no path with a token in it. */
const tokenPathMin = 36;

/** What `secretSigns` do not tell of: signs that are percent-encoded, and JSON Web Tokens. Nearly every target has neither. */
export function hidesSecret(target: string): boolean {
  if (target.includes('%') && encodedSigns.test(target)) return true;
  return target.length >= tokenPathMin && target.includes('eyJ');
}

const encodedSigns = /%(?:40|3d)/i;
const signs = /[@=]/;

/**
 * The path of a request target, without user information, without values of names that say that they are secrets, without
 * JSON Web Tokens, and without a fragment, which has no place in a target. What else stands in a path is shown as it came.
 */
export function redactPath(path: string): string {
  const fragment = path.indexOf('#');
  const whole = fragment === -1 ? path : `${path.slice(0, fragment)}#${leftOut}`;
  if (!signs.test(whole) && !hidesSecret(whole)) return whole;
  const spans = [
    ...userInformationSpans(whole),
    ...encodedUserInformationSpans(whole),
    ...namedValueSpans(whole),
    ...(whole.length >= tokenPathMin ? tokenSpans(whole) : []),
  ];
  return replaceSpans(whole, spans, () => leftOut);
}

/** A host as a request named it. */
export function redactAuthority(authority: string): string {
  return authority.includes('@') ? hideUserOfAuthority(authority, leftOut) : authority;
}
