/**
 * The rules of RFC 9113 §8.2 and §8.3, and the limits, that a header section of HTTP/2 can break as far as it is seen line by
 * line. A prepared line (`hpack-table.ts`) holds the number of the rule that it breaks in any section.
 */
export const headerSectionRules = [
  '', // 0: none
  'header-name',
  'header-name-case',
  'header-value',
  'header-value-blank',
  'connection-header',
  'pseudo-header-unknown',
  'pseudo-header-repeated',
  'pseudo-header-late',
  'pseudo-header-kind',
  'too-many-headers',
  'header-section-too-large',
] as const;

/**
 * header-name: not a token (§8.2.1). header-name-case: an uppercase letter (§8.2.1). header-value: a control character
 * (§8.2.1, RFC 9110 §5.5). header-value-blank: white space at its beginning or end (§8.2.1). connection-header: a header
 * for one connection, or a TE other than "trailers" (§8.2.2). pseudo-header-unknown: none that a standard defines (§8.3).
 * pseudo-header-repeated: for the second time (§8.3). pseudo-header-late: behind a regular header (§8.3).
 * pseudo-header-kind: of another kind of message, or in trailers (§8.3, §8.1). The other two are limits of the receiver.
 */
export type HeaderSectionRule = Exclude<(typeof headerSectionRules)[number], ''>;

/** The number of a rule. */
export function sectionRule(rule: HeaderSectionRule): number {
  return headerSectionRules.indexOf(rule);
}

/** The pseudo-headers (RFC 9113 §8.3.1, §8.3.2, RFC 8441 §4), each with its number; 0: a regular header. */
export const pseudoNames = ['', ':method', ':scheme', ':authority', ':path', ':protocol', ':status'] as const;

export const pseudoMethod = 1;
export const pseudoScheme = 2;
export const pseudoAuthority = 3;
export const pseudoPath = 4;
export const pseudoProtocol = 5;
export const pseudoStatus = 6;
export const pseudoUnknown = 7;
