import { namedValueSpans } from './named-values.ts';
import { tokenSpans } from './known-secrets.ts';
import { leftOut, replaceSpans, type Span } from './span.ts';
import { encodedUserInformationSpans, hideUserOfAuthority, userInformationSpans } from './user-information.ts';

/** A path or a host without any of these, and for which `hidesSecret` is false, is shown unchanged. */
export const secretSigns = '@=#';

/** A shorter path has no token in it. */
const tokenPathMin = 36;

/** Finds what `secretSigns` miss: percent-encoded signs, and JSON Web Tokens. Nearly every target has neither. */
export function hidesSecret(target: string): boolean {
  if (target.includes('%') && encodedSigns.test(target)) return true;
  return target.length >= tokenPathMin && target.includes('eyJ');
}

const encodedSigns = /%(?:40|3d)|(?:bearer|basic)%20/i;
/** A scheme of authorization, a percent-encoded space, and its credentials. */
const encodedCredentials = /(?<=(?<![A-Za-z])(?:bearer|basic)(?:%20){1,8})(?!%20)[^/?#&]+/gi;
const signs = /[@=]/;

/**
 * The path of a request target, without user information, without values whose names mark secrets, without
 * JSON Web Tokens, and without a fragment, which a target may not have. The rest of the path is shown unchanged.
 */
export function redactPath(path: string): string {
  const fragment = path.indexOf('#');
  const whole = fragment === -1 ? path : `${path.slice(0, fragment)}#${leftOut}`;
  if (!signs.test(whole) && !hidesSecret(whole)) return whole;
  const spans = [
    ...userInformationSpans(whole),
    ...encodedUserInformationSpans(whole),
    ...namedValueSpans(whole),
    ...encodedCredentialSpans(whole),
    ...(whole.length >= tokenPathMin ? tokenSpans(whole) : []),
  ];
  return replaceSpans(whole, spans, () => leftOut);
}

function encodedCredentialSpans(path: string): readonly Span[] {
  return [...path.matchAll(encodedCredentials)].map(({ index, 0: found }) => ({
    start: index,
    end: index + found.length,
  }));
}

/** The host of a request, without user information. */
export function redactAuthority(authority: string): string {
  return authority.includes('@') ? hideUserOfAuthority(authority, leftOut) : authority;
}
