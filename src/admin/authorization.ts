import type { AdminSpec, AdminToken } from '../core/configuration.ts';
import type { FailedAttempts } from './failed-attempts.ts';
import { hostOfAddress, hostOfAuthority, isLiteral } from './network-address.ts';
import { hashOfToken, nameOfToken } from './token.ts';

/** A request as the entrance sees it: nothing of its content. */
export interface AuthorizationRequest {
  readonly via: 'socket' | 'tcp';
  readonly method: string;
  readonly target: string;
  /** Names and values in turn, as they came. */
  readonly rawFields: readonly string[];
  /** Null over the unix socket. */
  readonly localAddress: string | null;
  readonly remoteAddress: string | null;
}

/** Why a request is turned away, as `admin_refused` says it. */
export type DenialReason =
  | 'ambiguous'
  | 'wrong_host'
  | 'cross_site'
  | 'form_content'
  | 'no_token'
  | 'wrong_token'
  | 'too_many_attempts';

export type AuthorizationResult =
  /** `token`: the one that let them in; null over the unix socket. */
  | { readonly authorized: true; readonly actor: string; readonly token: AdminToken | null }
  | { readonly authorized: false; readonly why: DenialReason; readonly status: number; readonly detail: string };

/**
 * Whether a request may be looked at, and who asks. The unix socket admits whoever may open it; over TCP a token says
 * who it is. Both turn away what a browser sends for a page that is not ours, and what was led here by a name that is
 * not ours: a port that somebody forwards to the socket is as near to a browser as any other.
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
    if (valuesOf(rawFields, name).length > 1) return deny('ambiguous', 400, `There is more than one ${name} field.`);
  }
  if (target.startsWith('/') || URL.parse(target) !== null) return null;
  return deny('ambiguous', 400, 'What is asked for is not a path.');
}

/**
 * A page whose name leads its visitors' browsers to our address is of the same origin for them, but still asks by that
 * name (DNS rebinding). So only names that are ours are answered.
 */
function checkHost(request: AuthorizationRequest, spec: AdminSpec): AuthorizationResult | null {
  const [field] = valuesOf(request.rawFields, 'host');
  const named = request.target.startsWith('/') ? null : (URL.parse(request.target)?.host ?? '');
  for (const authority of [field, named]) {
    if (authority === null || authority === undefined) continue;
    const host = hostOfAuthority(authority);
    if (host === null) return deny('ambiguous', 400, 'The Host field holds no host.');
    if (!isOurs(host, request, spec)) return denyHost();
  }
  return field === undefined && request.via === 'tcp' ? denyHost() : null;
}

function isOurs(host: string, { via, localAddress }: AuthorizationRequest, { hosts }: AdminSpec): boolean {
  if (host === 'localhost' || hosts.some((one) => matchesHost(host, one))) return true;
  // No name of the DNS that a stranger controls is without a dot, and no address has to be looked up.
  if (via === 'socket') return isLiteral(host) || !host.includes('.');
  return localAddress !== null && host === hostOfAddress(localAddress);
}

function matchesHost(host: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
}

/** Says no more: whoever is misled here by a name learns nothing by it. */
function denyHost(): AuthorizationResult {
  return deny('wrong_host', 421, 'The admin API is not asked by this name; `admin.hosts` lists those it answers to.');
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

/** TLS may have been ended before us, so the scheme is not ours to tell. */
function isAtHost(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

/** What a form can send without asking first is none of what the operations take (Fetch, "CORS-safelisted"). */
function checkContentType({ method, rawFields }: AuthorizationRequest): AuthorizationResult | null {
  const [type] = valuesOf(rawFields, 'content-type');
  if (method === 'GET' || method === 'HEAD' || type === undefined) return null;
  if (/^application\/json\s*(?:;|$)/i.test(type)) return null;
  return deny('form_content', 415, 'Content for the admin API is application/json; most operations need none.');
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

/** Every value of a field, also of those that Node gives only the first of. */
function valuesOf(rawFields: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < rawFields.length; at += 2) {
    if (rawFields[at]?.toLowerCase() === name) values.push(rawFields[at + 1] ?? '');
  }
  return values;
}
