import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { gatewayHeaderNames } from '../../core/header-names.ts';
import { nearest } from '../../core/nearest.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { parseLoneHeaderName } from '../../schema/format/field.ts';
import type { SchemeBeside } from './keys-scheme.ts';

/** It stands between quotes in WWW-Authenticate (RFC 9110 §11.5). */
export function parseRealm(written: string): Result<string, ErrorDetail> {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(written)) return succeed(written);
  return reject(
    `${quoted(written)} is no realm`,
    'write 1 to 64 letters, digits, spaces and marks of ASCII, without " and \\',
  );
}

/** Of these the gateway writes its own, or reads what the client says. */
const taken: ReadonlySet<string> = new Set([...gatewayHeaderNames, 'authorization', 'cookie', 'proxy-authorization']);

/** A header in which applications get something of the user. */
export function parseUserHeader(written: string): Result<string, ErrorDetail> {
  const name = parseLoneHeaderName(written);
  if (!name.ok || !taken.has(written.toLowerCase())) return name;
  return reject(`the header ${quoted(written)} has a meaning of its own`, 'write another one, such as X-User');
}

/** What a service of the gateway is asked for. */
export function parseTarget(written: string): Result<string, ErrorDetail> {
  const url = /^https?:\/\/[^/]*(.*)$/i.exec(written);
  if (url !== null)
    return reject(
      'a path has no scheme and host',
      `name the service under "upstreams", and write ${quoted(url[1] || '/')} here`,
    );
  if (!written.startsWith('/'))
    return reject(`the path ${quoted(written)} does not begin with "/"`, `write ${quoted(`/${written}`)}`);
  if (!/^[\x21\x24-\x7e]+(?:\?[\x21\x24-\x7e]*)?$/.test(written))
    return reject(`${quoted(written)} has characters that a request target must percent-encode`);
  return succeed(written);
}

/** Whether the upstream that is asked exists, and can be believed. */
export function reviewAsked(
  name: string,
  at: Path,
  { upstreams, inClear }: Pick<SchemeBeside, 'upstreams' | 'inClear'>,
  findings: Findings,
): void {
  const error = upstreamError(name, upstreams);
  if (error !== null) return findings.errorAtValue(at, error.message, error.suggestion);
  const host = inClear.get(name);
  if (host !== undefined)
    findings.warnAtValue(
      at,
      `${quoted(name)} is asked in clear text at ${host}: an attacker on the way can read and change the answers`,
      'write https:// before its address under "upstreams"',
    );
}

function upstreamError(name: string, known: ReadonlySet<string>): ErrorDetail | null {
  if (known.has(name)) return null;
  if (/[:/]/.test(name))
    return {
      message: `no upstream is called ${quoted(name)}`,
      suggestion: 'name the address under "upstreams", and its name here',
    };
  const [near] = nearest(name, [...known], 1);
  return {
    message: `no upstream or application is called ${quoted(name)}`,
    suggestion: near === undefined ? `add it under "upstreams"` : `did you mean ${quoted(near)}?`,
  };
}
