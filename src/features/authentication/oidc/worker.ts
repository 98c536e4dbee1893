import { hash } from 'node:crypto';
import type { Filter, FilterAnswer, FilterContext } from '../../../core/filter.ts';
import type { Failure } from '#failures/failure.ts';
import { fail } from '#failures/failure.ts';
import type { AskUpstream } from '../../../core/subrequest.ts';
import { type SchemeCredentials, inCookies } from '../worker-scheme-credentials.ts';
import { addSessionCookies, addSessionCookiesToFailure } from '../worker-session-cookies.ts';
import {
  authenticationScheme,
  type PendingDecision,
  type SchemeDecision,
  type SchemePart,
  type SchemePorts,
} from '../worker-scheme.ts';
import { claimHeaders } from '../jwt/worker-claims.ts';
import { oidcName, type OidcSpec } from './settings.ts';
import { cookieLines, cookiesOf, removingLines, valueIn } from './worker-cookies.ts';
import { loggedOutPage, redirect } from './worker-answers.ts';
import { type Asker, loadLibrary, Provider, type ProviderFault, visible } from './worker-provider.ts';
import { Refreshes } from './worker-refreshes.ts';
import { isFromOtherSite, isNavigation, originOf, pageBefore, pathToReturnTo } from './worker-request.ts';
import { Seal } from './worker-seal.ts';
import { SessionRefresher } from './worker-refresher.ts';
import {
  cookieName,
  loginMs,
  type LoginInProgress,
  purposeOf,
  type LoginSession,
  sessionOf,
  userOf,
} from './worker-session.ts';

type Cookies = ReadonlyMap<string, string>;

const absent: SchemeDecision = { kind: 'absent' };
const retryAfterS = 5;
/** A browser that has begun more logins, such as in tabs that it has opened one after the other, forgets the oldest. */
const loginsMax = 5;

class OidcPart implements SchemePart {
  readonly asksFor = 'a login';
  readonly challenge: string;
  readonly credentials: SchemeCredentials;
  readonly loginPath: string;
  readonly settings: string;
  readonly provider: Provider;
  readonly refresher: SessionRefresher;
  readonly #spec: OidcSpec;
  readonly #ports: SchemePorts;
  readonly #seal: Seal;
  readonly #cookie: string;

  constructor(spec: OidcSpec, ports: SchemePorts, provider: Provider, refresher: SessionRefresher) {
    this.settings = settingsOf(spec);
    this.provider = provider;
    this.refresher = refresher;
    this.loginPath = `${spec.path}?account=other`;
    this.#spec = spec;
    this.#ports = ports;
    // The main thread has given one; without it, nothing that anybody could know.
    this.#seal = new Seal(spec.key ?? randomText(ports.random), ports.random);
    this.#cookie = cookieName(spec);
    this.credentials = inCookies(this.#cookie, false, (name) => this.#isOurs(name));
    // No registered scheme is a login in pages. Programs can see where it begins.
    this.challenge = `Login realm="${ports.realm}", path="${spec.path}"`;
  }

  authenticate(exchange: FilterContext, pending: PendingDecision): SchemeDecision | null {
    const { path } = this.#spec;
    const cookies = cookiesOf(exchange);
    if (exchange.path === path || exchange.path.startsWith(`${path}/`))
      return this.#ofLogin(exchange, cookies, exchange.path.slice(path.length), pending);
    const session = this.#sessionIn(exchange, cookies);
    if (typeof session === 'string') return this.#withoutSession(exchange, cookies, session, pending);
    if (session === null) return this.#withoutSession(exchange, cookies, null, pending);
    const refreshed = this.refresher.refresh(session, this.#asker(exchange));
    if (refreshed === null) return this.#admit(exchange, cookies, session, false);
    if (!(refreshed instanceof Promise)) return this.#admit(exchange, cookies, refreshed, true);
    return decideLater(pending, refreshed, (result) => {
      if (result.kind === 'session') return this.#admit(exchange, cookies, result.session, result.isNew);
      if (result.kind === 'unavailable') return this.#failed(result);
      return this.#withoutSession(exchange, cookies, result.because, pending);
    });
  }

  onResponseHead(
    _exchange: FilterContext,
    head: Parameters<NonNullable<Filter['onResponseHead']>>[1],
    note: unknown,
  ): void {
    addSessionCookies(head, (note as readonly string[] | undefined) ?? []);
  }

  #admit(exchange: FilterContext, cookies: Cookies, session: LoginSession, isNew: boolean): SchemeDecision {
    const lines = isNew ? this.#sessionLines(exchange, cookies, session) : null;
    addSessionCookiesToFailure(exchange, lines ?? []);
    return {
      kind: 'user',
      user: userOf(session),
      headerValues: claimHeaders(session.claims, Object.entries(this.#spec.headers)),
      ...(lines === null ? {} : { note: lines }),
    };
  }

  /** Null: there is none; a clause: it cannot be used. */
  #sessionIn({ variables: { host }, clock }: FilterContext, cookies: Cookies): LoginSession | string | null {
    const sealed = valueIn(cookies, this.#cookie);
    if (sealed === null) return cookies.has(this.#cookie) ? 'the cookie of its login is not whole' : null;
    const text = this.#seal.open(sealed, purposeOf('session', this.#spec, host));
    if (text === null) return 'the cookie of its login is not valid here';
    const session = JSON.parse(text) as LoginSession;
    return session.endsAt > clock.wallTime() && !this.refresher.hasEnded(session) ? session : 'its login has ended';
  }

  /** A page goes to the login; a script is told. */
  #withoutSession(
    exchange: FilterContext,
    cookies: Cookies,
    because: string | null,
    pending: PendingDecision,
  ): SchemeDecision | null {
    if (isNavigation(exchange)) return this.#begin(exchange, cookies, { returnTo: exchange.request.target, pending });
    return because === null ? absent : { kind: 'refused', fault: 'no_session', because };
  }

  /** `asAnother`: the provider asks which account is meant, in place of taking the one that it knows. */
  #begin(
    exchange: FilterContext,
    cookies: Cookies,
    {
      returnTo,
      asAnother = false,
      pending,
    }: { readonly returnTo: string; readonly asAnother?: boolean; readonly pending: PendingDecision },
  ): SchemeDecision | null {
    const origin = originOf(exchange);
    if (origin === null) return this.#loginFailed('the request names no host to come back to');
    if (exchange.client.scheme !== 'https')
      return this.#loginFailed('the page was asked in clear text, and browsers keep the login over TLS alone');
    const { random, clock } = this.#ports;
    const login: LoginInProgress = {
      ...{ state: randomText(random), nonce: randomText(random), verifier: randomText(random) },
      redirectUri: `${origin}${this.#spec.path}/callback`,
      returnTo: pathToReturnTo(returnTo, origin, this.#spec.path),
      endsAt: clock.wallTime() + loginMs,
    };
    return decideLater(pending, this.provider.begin(login, asAnother, this.#asker(exchange)), (result) => {
      if (!result.ok) return this.#failed(result.fault);
      const sealed = this.#seal.close(JSON.stringify(login), purposeOf('login', this.#spec, exchange.variables.host));
      // Browsers send the oldest first (RFC 6265 §5.4).
      const begun = [...cookies.keys()].filter((name) => this.#isLogin(name));
      const over = new Set(begun.slice(0, Math.max(0, begun.length + 1 - loginsMax)));
      return answerWith(
        'login_begun',
        redirect(result.value.href, [
          ...removingLines(cookies, (name) => over.has(name)),
          ...(cookieLines(this.#loginCookie(login.state), sealed, loginMs / 1000) ?? []),
        ]),
      );
    });
  }

  /** What the gateway answers itself, below `path`. */
  #ofLogin(exchange: FilterContext, cookies: Cookies, below: string, pending: PendingDecision): SchemeDecision | null {
    const origin = originOf(exchange);
    const { target, method } = exchange.request;
    const query = new URLSearchParams(/\?(.*)/s.exec(target)?.[1] ?? '');
    if (method !== 'GET' && method !== 'HEAD' && !(below === '/logout' && method === 'POST')) return absent;
    if (below === '') {
      const asAnother = query.get('account') === 'other' && !isFromOtherSite(exchange);
      const returnTo = query.get('return') ?? (asAnother ? pageBefore(exchange) : null) ?? '/';
      return this.#begin(exchange, cookies, { returnTo, asAnother, pending });
    }
    if (below === '/callback' && origin !== null) return this.#comeBack(exchange, cookies, { origin, query, pending });
    if (below === '/logout' && origin !== null) return this.#logout(exchange, cookies, { origin, pending });
    return below === '/out' ? answerWith('logged_out', loggedOutPage(this.#spec.path)) : absent;
  }

  #comeBack(
    exchange: FilterContext,
    cookies: Cookies,
    {
      origin,
      query,
      pending,
    }: { readonly origin: string; readonly query: URLSearchParams; readonly pending: PendingDecision },
  ): SchemeDecision | null {
    const state = query.get('state') ?? '';
    const login = this.#loginIn(exchange, cookies, state);
    if (typeof login === 'string') {
      // Somebody has gone back in the history of the browser.
      const isLoggedIn = typeof this.#sessionIn(exchange, cookies) === 'object' && cookies.has(this.#cookie);
      return isLoggedIn && !isFromOtherSite(exchange)
        ? answerWith('logged_in', redirect(`${origin}/`, []))
        : this.#loginFailed(login, this.loginPath);
    }
    const url = new URL(`${login.redirectUri}?${query.toString()}`);
    return decideLater(pending, this.provider.redeem(url, login, this.#asker(exchange)), (result) => {
      // It may be the choice of an account that the provider does not know.
      if (!result.ok) return this.#failed(result.fault, query.has('error') ? this.#spec.path : this.loginPath);
      const session = sessionOf(randomText(this.#ports.random), result.value, null, this.#spec, this.#ports.clock);
      if ('because' in session) return this.#loginFailed(session.because, this.loginPath);
      const lines = this.#sessionLines(exchange, cookies, session);
      if (lines === null)
        return this.#loginFailed('what the provider says of the user is too long for cookies', this.loginPath);
      const over = removingLines(cookies, (name) => name === this.#loginCookie(state));
      return answerWith('logged_in', redirect(`${origin}${login.returnTo}`, [...over, ...lines]));
    });
  }

  /** A clause: this browser has not begun it. */
  #loginIn({ variables: { host }, clock }: FilterContext, cookies: Cookies, state: string): LoginInProgress | string {
    const sealed = valueIn(cookies, this.#loginCookie(state));
    if (state === '' || sealed === null)
      return 'this browser has not begun the login, or took too long, or keeps no cookies';
    const text = this.#seal.open(sealed, purposeOf('login', this.#spec, host));
    const login = text === null ? null : (JSON.parse(text) as LoginInProgress);
    if (login === null || login.state !== state) return 'the cookie of the login is not valid here';
    return login.endsAt > clock.wallTime() ? login : 'the login has taken too long';
  }

  #logout(
    exchange: FilterContext,
    cookies: Cookies,
    { origin, pending }: { readonly origin: string; readonly pending: PendingDecision },
  ): SchemeDecision | null {
    if (isFromOtherSite(exchange)) return this.#loginFailed('another site has asked for the logout');
    const session = this.#sessionIn(exchange, cookies);
    const over = removingLines(cookies, (name) => this.#isOurs(name));
    const here = `${origin}${this.#spec.path}/out`;
    const end = (to: string): SchemeDecision => answerWith('logged_out', redirect(to, over));
    if (session === null || typeof session === 'string') return end(here);
    const asker = this.#asker(exchange);
    // What a copy of the cookie could still be used for.
    this.refresher.end(session);
    if (session.refreshToken !== null) void this.provider.revoke(session.refreshToken, asker);
    if (!this.#spec.logsOutAtProvider) return end(here);
    return decideLater(pending, this.provider.logout(session.idToken, here, asker), (result) =>
      end(result.ok && result.value !== null ? result.value.href : here),
    );
  }

  #sessionLines(
    { variables: { host }, clock }: FilterContext,
    cookies: Cookies,
    session: LoginSession,
  ): readonly string[] | null {
    const sealed = this.#seal.close(JSON.stringify(session), purposeOf('session', this.#spec, host));
    const lines = cookieLines(this.#cookie, sealed, (session.endsAt - clock.wallTime()) / 1000);
    if (lines === null) return null;
    const written = new Set(lines.map((line) => line.slice(0, line.indexOf('='))));
    return [...removingLines(cookies, (name) => this.#isSession(name) && !written.has(name)), ...lines];
  }

  #isSession(name: string): boolean {
    return name === this.#cookie || name.startsWith(`${this.#cookie}.`);
  }

  #isLogin(name: string): boolean {
    return name.startsWith(`${this.#cookie}-`);
  }

  #isOurs(name: string): boolean {
    return this.#isSession(name) || this.#isLogin(name);
  }

  #loginCookie(state: string): string {
    return `${this.#cookie}-${hash('sha256', state, 'hex').slice(0, 16)}`;
  }

  #asker({ client }: FilterContext): Asker {
    return { client, route: this.#ports.route };
  }

  #failed(fault: ProviderFault, loginPath: string | null = null): SchemeDecision {
    if (fault.kind === 'refused') return this.#loginFailed(fault.reason, loginPath);
    const { service, reason, askedCause } = fault;
    const failure = fail('authentication_unavailable', 'filter', {
      ...{ service, reason, retryAfterS },
      ...(askedCause === undefined ? {} : { askedCause }),
    });
    return { kind: 'failed', fault: 'unavailable', failure };
  }

  /** `loginPath`: where the person may begin anew; null: asking for the page again does. */
  #loginFailed(fault: string, loginPath: string | null = null): SchemeDecision {
    const evidence = { service: this.provider.service, fault: visible(fault) };
    const failure: Failure = fail('login_failed', 'filter', loginPath === null ? evidence : { ...evidence, loginPath });
    return { kind: 'failed', fault: 'login_failed', failure };
  }
}

/** Nothing is read of a request that has ended meanwhile. Null in the place of a decision: it takes more time. */
function decideLater<T>(
  pending: PendingDecision,
  result: Promise<T>,
  decide: (result: T) => SchemeDecision | null,
): null {
  let isOver = false;
  pending.onCancelled = () => (isOver = true);
  void result
    .then((value) => (isOver ? null : decide(value)))
    .catch((error: unknown): SchemeDecision => {
      const invariant = `a login does not throw (${error instanceof Error ? error.message : String(error)})`;
      return { kind: 'failed', fault: 'fault', failure: fail('gateway_fault', 'filter', { invariant }) };
    })
    .then((decision) => (decision === null ? undefined : pending.settle(decision)));
  return null;
}

function answerWith(fault: string, answer: FilterAnswer): SchemeDecision {
  return { kind: 'answer', fault, answer };
}

function randomText(random: SchemePorts['random']): string {
  const bytes = Buffer.alloc(32);
  random.fill(bytes);
  return bytes.toString('base64url');
}

function settingsOf({ refreshes: _, ...rest }: OidcSpec): string {
  return JSON.stringify(rest);
}

/** Routes with the same settings share what is known of the provider, and of sessions whose tokens were refreshed. */
const shared = new WeakMap<AskUpstream, Map<string, WeakRef<Pick<OidcPart, 'provider' | 'refresher'>>>>();

export const oidc = authenticationScheme<OidcSpec, OidcPart>({
  name: oidcName,
  load: loadLibrary,
  prepare(spec, ports) {
    const { ask, clock } = ports;
    const ofWorker = shared.get(ask) ?? new Map<string, WeakRef<Pick<OidcPart, 'provider' | 'refresher'>>>();
    shared.set(ask, ofWorker);
    const settings = settingsOf(spec);
    const known = ofWorker.get(settings)?.deref();
    const provider = known?.provider ?? new Provider(spec, ask, clock);
    const refresher = known?.refresher ?? new SessionRefresher(spec, provider, new Refreshes(spec.refreshes), clock);
    const part = new OidcPart(spec, ports, provider, refresher);
    for (const [key, ref] of ofWorker) if (ref.deref() === undefined) ofWorker.delete(key);
    ofWorker.set(settings, new WeakRef(part));
    return part;
  },
});
