import { gatewayHeaderNames } from '../core/header-names.ts';
import { captureNames, type PathMatch } from '../core/path-match.ts';
import { quoted } from '../schema/error-detail.ts';
import { reviewText } from '../features/text-keys.ts';
import type { Findings, Path } from '../schema/findings.ts';
import type { RequestHeadersRead, ResponseHeadersRead, SecurityHeadersRead } from './headers-schema.ts';

interface Read {
  readonly path?: readonly PathMatch[] | undefined;
  readonly request_headers?: RequestHeadersRead | undefined;
  readonly response_headers?: ResponseHeadersRead | undefined;
  readonly security_headers?: SecurityHeadersRead | undefined;
}

/** The variables in values of headers, of a route or of the file. */
export function reviewHeaderValues(read: Read, path: Path, findings: Findings): void {
  const captures = captureNames(read.path ?? []);
  for (const side of ['request_headers', 'response_headers'] as const) {
    const edits = read[side] ?? {};
    for (const [edit, lines] of Object.entries(edits)) {
      if (edit === 'remove') reviewPatterns(lines, [...path, side, edit], findings);
      if (edit === 'remove' || lines === undefined) continue;
      for (const [name, values] of Object.entries(lines as Readonly<Record<string, string | readonly string[]>>))
        for (const value of [values].flat())
          reviewText(
            value,
            [...path, side, edit, name],
            findings,
            side === 'request_headers' ? sentAnyway(name) : null,
            captures,
          );
    }
  }
  if (typeof read.security_headers !== 'object') return;
  for (const [name, value] of Object.entries(read.security_headers))
    reviewText(value, [...path, 'security_headers', name], findings, null, captures);
}

/** Names of which one is a pattern elsewhere, and here a name as it stands. */
export function reviewPatterns(names: unknown, path: Path, findings: Findings): void {
  for (const [at, name] of [names].flat().entries())
    if (typeof name === 'string' && name.includes('*'))
      findings.warnAtValue(
        Array.isArray(names) ? [...path, at] : path,
        `${quoted(name)} has no effect: it is a name, and no pattern`,
        'write each name, or remove it',
      );
}

/** What to do in place of copying a header from the configuration of another gateway. */
function sentAnyway(name: string): string | null {
  return gatewayHeaderNames.some((own) => own === name.toLowerCase())
    ? `remove it: the gateway sends ${name} anyway`
    : null;
}
