import { hash } from 'node:crypto';
import type { Clock } from '../../../core/time.ts';
import type { User } from '../../../core/exchange.ts';
import { claimAt, isNameOfUser } from '../jwt/worker-claims.ts';
import { oidcName, type OidcSpec } from './settings.ts';
import type { Tokens } from './worker-provider.ts';
import type { BegunLogin } from './worker-provider.ts';

/** What a browser keeps of a login, encrypted. Times are milliseconds since the Unix epoch. */
export interface LoginSession {
  readonly id: string;
  /** How often its tokens have been refreshed. */
  readonly turn: number;
  readonly user: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly endsAt: number;
  /** When the provider is to be asked whether it still holds; null: it is not. */
  readonly refreshAt: number | null;
  readonly refreshToken: string | null;
  readonly idToken: string | null;
}

/** What it keeps of a login that has begun. */
export interface LoginInProgress extends BegunLogin {
  /** The path and query of the page that was asked for. */
  readonly returnTo: string;
  readonly endsAt: number;
}

/** How long people may take at the provider. */
export const loginMs = 15 * 60_000;
/** Before its end a token is refreshed; requests that come meanwhile, or have left with the old cookie, pass for as long after it. */
const leadMs = 30_000;
export const graceMs = 60_000;
const shortestRefreshMs = 1000;

/** Of the protocol, and not of the user (OpenID Connect Core §2). */
const protocolClaims: ReadonlySet<string> = new Set(
  'iss aud exp iat nbf jti nonce azp at_hash c_hash s_hash auth_time acr amr sid typ'.split(' '),
);

/** A clause: why the user of the tokens cannot be known. */
type Unknown = { readonly because: string };

export function sessionOf(
  id: string,
  tokens: Tokens,
  before: LoginSession | null,
  spec: OidcSpec,
  clock: Clock,
): LoginSession | Unknown {
  const all = tokens.claims ?? before?.claims ?? {};
  const claims = tokens.claims === null ? all : userClaims(tokens.claims, spec);
  const user = claimAt(all, spec.userClaim);
  if (typeof user !== 'string' || !isNameOfUser(user))
    return { because: `the provider does not say the claim "${spec.userClaim}" of the user` };
  // Some providers write their booleans as texts.
  if (spec.userClaim === 'email' && String(all['email_verified']) === 'false')
    return { because: 'the provider has not verified the mail address of the user' };
  const now = clock.wallTime();
  const refreshToken = tokens.refreshToken ?? before?.refreshToken ?? null;
  return {
    ...{ id, user, claims, refreshToken },
    turn: (before?.turn ?? -1) + 1,
    endsAt: before?.endsAt ?? now + spec.sessionMs,
    refreshAt: refreshToken === null ? null : now + refreshInMs(tokens.expiresInS),
    idToken: spec.logsOutAtProvider ? (tokens.idToken ?? before?.idToken ?? null) : null,
  };
}

function refreshInMs(expiresInS: number | null): number {
  const expiresMs = (expiresInS ?? 3600) * 1000;
  return Math.max(shortestRefreshMs, expiresMs - Math.min(leadMs, expiresMs / 5));
}

/** `groups` are those of `groups_claim` alone, whatever else the provider calls so. */
function userClaims(claims: NonNullable<Tokens['claims']>, { groupsClaim }: OidcSpec): LoginSession['claims'] {
  const kept = Object.entries(claims).filter(([name]) => !protocolClaims.has(name) && name !== 'groups');
  const groups = claimAt(claims, groupsClaim);
  return Object.fromEntries(groups === undefined ? kept : [...kept, ['groups', groups]]);
}

export function userOf({ user, claims }: LoginSession): User {
  return { name: user, by: oidcName, claims };
}

/** Of cookies: two providers, or two clients of one, may protect parts of the same host. */
export function cookieName({ issuer, clientId }: OidcSpec): string {
  return `__Host-candor-login-${hash('sha256', `${issuer}\n${clientId}`, 'hex').slice(0, 8)}`;
}

/** A cookie of one host says nothing at another one, also where both have the same key. */
export function purposeOf(
  what: 'session' | 'login',
  { issuer, clientId }: Pick<OidcSpec, 'issuer' | 'clientId'>,
  host: string,
): string {
  return JSON.stringify([what, issuer, clientId, host]);
}
