import { type AdminRole, adminRoles } from '../core/admin-roles.ts';
import type { AdminSpec, AdminToken } from '../core/configuration.ts';
import { type FailedAttempts, hostOfAddress, hostOfAuthority, isLiteral } from './failed-attempts.ts';
import { matchOperation, type OperationAccess, type OperationId } from './operations.ts';
import { cookieValues, roleOf, type BrowserSession, sessionCookie, type Sessions } from './sessions.ts';
import { findToken } from './token.ts';

/** The parts of a request that authorization checks; not its body. */
export interface AuthorizationRequest {
  readonly via: 'socket' | 'tcp';
  /** Over TLS. */
  readonly secure: boolean;
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
  | 'wrong_session'
  | 'role'
  | 'too_many_attempts';

export type AuthorizationResult =
  | Authorized
  | { readonly authorized: false; readonly why: DenialReason; readonly status: number; readonly detail: string };

/** Who asks, and what it may do. */
export interface Authorized {
  readonly authorized: true;
  readonly actor: string;
  /** Null: it has shown neither token nor session, and asks for something that is open to all. */
  readonly role: AdminRole | null;
  /** Null over the unix socket, and for a session that was opened there. */
  readonly token: AdminToken | null;
  /** The session whose cookie it has shown. */
  readonly session: BrowserSession | null;
}

/** What authorization remembers between requests. */
export interface AuthorizationState {
  readonly spec: AdminSpec;
  readonly failedAttempts: FailedAttempts;
  /** Null: there are no sessions. */
  readonly sessions: Sessions | null;
}

/**
 * Whether a request is authorized, and who the requester is. Every process that may open the unix socket is authorized; over TCP a token
 * identifies the requester. Both refuse requests that a browser sends for a page of another origin, and requests for a host name that is not
 * ours: a browser can also reach a port that is forwarded to the socket.
 */
export function authorize(request: AuthorizationRequest, state: AuthorizationState): AuthorizationResult {
  const operation = operationOfTarget(request.method, request.target);
  return (
    checkAmbiguity(request) ??
    checkHost(request, state.spec) ??
    checkOrigin(request, operation?.id ?? null) ??
    checkContentType(request) ??
    checkRole(authenticate(request, operation?.access ?? accessOfMethod(request.method), state), operation?.access)
  );
}

/** The operation that a request asks for; null if there is none. */
export function operationOfTarget(
  method: string,
  target: string,
): { readonly id: OperationId; readonly access: OperationAccess } | null {
  const path = urlOfTarget(target)?.pathname;
  const match = path === undefined ? null : matchOperation(method, path);
  return match?.kind === 'operation' ? match : null;
}

/** A target that begins with two slashes is a path, not a host. */
export function urlOfTarget(target: string): URL | null {
  return target.startsWith('/') ? URL.parse(`http://candor${target}`) : URL.parse(target);
}

function accessOfMethod(method: string): OperationAccess {
  return method === 'GET' || method === 'HEAD' ? 'read' : 'operate';
}

function checkAmbiguity({ rawFields, target }: AuthorizationRequest): AuthorizationResult | null {
  for (const name of ['host', 'authorization', 'cookie', 'origin', 'content-type', 'sec-fetch-site']) {
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

/**
 * Fetch, "Sec-Fetch-Site" and "Origin": no page can leave them out or choose them. A link from another page may lead to the dashboard, which
 * says nothing of the gateway by itself, and which no page can show in a frame.
 */
function checkOrigin({ rawFields }: AuthorizationRequest, id: OperationId | null): AuthorizationResult | null {
  const [site] = valuesOf(rawFields, 'sec-fetch-site');
  const [mode] = valuesOf(rawFields, 'sec-fetch-mode');
  if (id === 'readPage' && mode === 'navigate') return null;
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

function authenticate(
  request: AuthorizationRequest,
  access: OperationAccess,
  state: AuthorizationState,
): AuthorizationResult {
  if (request.via === 'socket') {
    return { authorized: true, actor: 'admin:socket', role: 'deploy', token: null, session: null };
  }
  const isOpen = access === 'open' && state.sessions !== null;
  if (isOpen) return { authorized: true, actor: 'admin:unknown', role: null, token: null, session: null };
  const [field] = valuesOf(request.rawFields, 'authorization');
  const [host = ''] = valuesOf(request.rawFields, 'host');
  const [cookies] = valuesOf(request.rawFields, 'cookie');
  const secrets = field === undefined ? cookieValues(cookies, sessionCookie(host, request.secure)) : [];
  if (secrets.length > 0) return authenticateSession(secrets, request, state);
  if (field === undefined) return deny('no_token', 401, needsToken);
  const presented = /^bearer +([\w.~+/=-]+) *$/i.exec(field)?.[1];
  const token = presented === undefined ? null : findToken(state.spec.tokens, presented);
  if (token === null) return failedAttempt('wrong_token', request, state);
  return { authorized: true, actor: `admin:token:${token.name}`, role: roleOf(token), token, session: null };
}

/**
 * A browser sends the cookie by itself, also for a page of another port of this host if the browser is old. So a change needs proof that
 * our page asks for it: an Origin, which `checkOrigin` has found to be ours, or Sec-Fetch-Site.
 */
function authenticateSession(
  secrets: readonly string[],
  request: AuthorizationRequest,
  state: AuthorizationState,
): AuthorizationResult {
  const session = state.sessions?.findOne(secrets, state.spec.tokens) ?? null;
  if (session === null) return failedAttempt('wrong_session', request, state);
  const { method, rawFields } = request;
  const isOfPage =
    valuesOf(rawFields, 'origin').length > 0 || valuesOf(rawFields, 'sec-fetch-site')[0] === 'same-origin';
  if (accessOfMethod(method) === 'operate' && !isOfPage)
    return deny('cross_site', 403, 'A change with a session needs the Origin header that browsers send.');
  return { authorized: true, actor: actorOfSession(session), role: session.role, token: session.token, session };
}

export function actorOfSession({ token }: BrowserSession): string {
  return token === null ? 'admin:session' : `admin:session:${token.name}`;
}

function failedAttempt(
  why: 'wrong_token' | 'wrong_session',
  { remoteAddress }: AuthorizationRequest,
  { failedAttempts }: AuthorizationState,
): AuthorizationResult {
  if (failedAttempts.count(remoteAddress ?? '')) return deny(why, 401, needsToken);
  return deny('too_many_attempts', 429, tooManyAttempts);
}

/** `access`: of the requested operation; undefined: there is none, which is answered with 404 or 405. */
function checkRole(result: AuthorizationResult, access: OperationAccess | undefined): AuthorizationResult {
  if (!result.authorized || result.role === null || access === undefined || access === 'open') return result;
  if (adminRoles.indexOf(result.role) >= adminRoles.indexOf(access)) return result;
  return deny('role', 403, `This needs the role ${access}, and the token or session has the role ${result.role}.`);
}

export const tooManyAttempts = 'Too many wrong tokens came from this address.';
export const needsToken =
  'This needs a token that the gateway knows: `Authorization: Bearer <token>`, or a session of the dashboard.';

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
