import type { AdminSpec, AdminToken } from '../core/configuration.ts';
import type { FailedAttempts } from './failed-attempts.ts';
import { hostOfAddress, hostOfAuthority, isLiteral } from './network-address.ts';
import { hashOfToken, nameOfToken } from './token.ts';

/** The parts of a request that authorization checks; not its body. */
export interface AuthorizationRequest {
  readonly via: 'socket' | 'tcp';
  readonly method: string;
  readonly target: string;
  /** Header names and values in turn, as received. */
  readonly rawFields: readonly string[];
  /** Null over the unix socket. */
  readonly localAddress: string | null;
  readonly remoteAddress: string | null;
}

/** Why a request is refused, as in the event `admin_refused`. */
export type DenialReason =
  | 'ambiguous'
  | 'wrong_host'
  | 'cross_site'
  | 'form_content'
  | 'no_token'
  | 'wrong_token'
  | 'too_many_attempts';

export type AuthorizationResult =
  /** `token`: the hash of the accepted token; null over the unix socket. */
  | { readonly authorized: true; readonly actor: string; readonly token: AdminToken | null }
  | { readonly authorized: false; readonly why: DenialReason; readonly status: number; readonly detail: string };

/**
 * Whether a request is authorized, and who the requester is. Every process that may open the unix socket is authorized; over TCP a token
 * identifies the requester. Both refuse requests that a browser sends for a page of another origin, and requests for a host name that is not
 * ours: a browser can also reach a port that is forwarded to the socket.
 */
export function authorize(request: AuthorizationRequest, spec: AdminSpec, failed: FailedAttempts): AuthorizationResult {
  return (
    checkAmbiguity(request) ??
    checkHost(request, spec) ??
    checkOrigin(request) ??
    checkContentType(request) ??
    authenticate(request, spec, failed)
  );
}

function checkAmbiguity({ rawFields, target }: AuthorizationRequest): AuthorizationResult | null {
  for (const name of ['host', 'authorization', 'origin', 'content-type', 'sec-fetch-site']) {
    if (valuesOf(rawFields, name).length > 1) return deny('ambiguous', 400, `There is more than one ${name} header.`);
  }
  if (target.startsWith('/') || URL.parse(target) !== null) return null;
  return deny('ambiguous', 400, 'The request target is not a path.');
}

/**
 * An attacker's page whose name resolves to our address has the same origin for its visitors' browsers, but they still send that
 * name (DNS rebinding). So only requests for our own names are answered.
 */
function checkHost(request: AuthorizationRequest, spec: AdminSpec): AuthorizationResult | null {
  const [field] = valuesOf(request.rawFields, 'host');
  const named = request.target.startsWith('/') ? null : (URL.parse(request.target)?.host ?? '');
  for (const authority of [field, named]) {
    if (authority === null || authority === undefined) continue;
    const host = hostOfAuthority(authority);
    if (host === null) return deny('ambiguous', 400, 'The Host header has no valid host.');
    if (!isOurs(host, request, spec)) return denyHost();
  }
  return field === undefined && request.via === 'tcp' ? denyHost() : null;
}

function isOurs(host: string, { via, localAddress }: AuthorizationRequest, { hosts }: AdminSpec): boolean {
  if (host === 'localhost' || hosts.some((one) => matchesHost(host, one))) return true;
  // An attacker's DNS name always has a dot, and an address needs no lookup.
  if (via === 'socket') return isLiteral(host) || !host.includes('.');
  return localAddress !== null && host === hostOfAddress(localAddress);
}

function matchesHost(host: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
}

/** The response says no more, so that a misled browser learns nothing about the gateway. */
function denyHost(): AuthorizationResult {
  return deny('wrong_host', 421, 'The admin API does not answer to this host name; `admin.hosts` lists its names.');
}

/** Fetch, "Sec-Fetch-Site" and "Origin": no page can leave them out or choose them. */
function checkOrigin({ rawFields }: AuthorizationRequest): AuthorizationResult | null {
  const [site] = valuesOf(rawFields, 'sec-fetch-site');
  const [origin] = valuesOf(rawFields, 'origin');
  const [host = ''] = valuesOf(rawFields, 'host');
  const ofOurs = origin === undefined || isAtHost(origin.toLowerCase(), host.toLowerCase());
  if ((site === undefined || site === 'same-origin' || site === 'none') && ofOurs) return null;
  return deny('cross_site', 403, 'A page of another origin may not use the admin API.');
}

/** A proxy may have terminated TLS, so the scheme is not compared. */
function isAtHost(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

/** Refuses the content types that a form can send without a preflight (Fetch, "CORS-safelisted"). No operation accepts them. */
function checkContentType({ method, rawFields }: AuthorizationRequest): AuthorizationResult | null {
  const [type] = valuesOf(rawFields, 'content-type');
  if (method === 'GET' || method === 'HEAD' || type === undefined) return null;
  if (/^application\/json\s*(?:;|$)/i.test(type)) return null;
  return deny('form_content', 415, 'A body for the admin API is application/json; most operations need none.');
}

function authenticate(request: AuthorizationRequest, spec: AdminSpec, failed: FailedAttempts): AuthorizationResult {
  if (request.via === 'socket') return { authorized: true, actor: 'admin:socket', token: null };
  const [field] = valuesOf(request.rawFields, 'authorization');
  if (field === undefined) return deny('no_token', 401, needsToken);
  const token = /^bearer +([\w.~+/=-]+) *$/i.exec(field)?.[1];
  const name = token === undefined ? null : nameOfToken(spec.tokens, token);
  if (token !== undefined && name !== null) {
    return { authorized: true, actor: `admin:token:${name}`, token: { name, hash: hashOfToken(token) } };
  }
  if (failed.count(request.remoteAddress ?? '')) return deny('wrong_token', 401, needsToken);
  return deny('too_many_attempts', 429, 'Too many wrong tokens came from this address.');
}

const needsToken = 'This needs a token that the gateway knows: `Authorization: Bearer <token>`.';

function deny(why: DenialReason, status: number, detail: string): AuthorizationResult {
  return { authorized: false, why, status, detail };
}

/** Every value of a header, including headers of which Node keeps only the first value. */
function valuesOf(rawFields: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < rawFields.length; at += 2) {
    if (rawFields[at]?.toLowerCase() === name) values.push(rawFields[at + 1] ?? '');
  }
  return values;
}
