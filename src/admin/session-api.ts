import type { LinkStatus, SessionStatus } from '../core/schemas/sessions.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventSink } from '../core/event.ts';
import type { Clock } from '../core/time.ts';
import { sendJson, sendProblem } from './answer.ts';
import { audited, type Requester } from './audit.ts';
import { actorOfSession, type Authorized, needsToken, tooManyAttempts } from './authorization.ts';
import type { DenialReport } from './denial-report.ts';
import { retryAfterS, type FailedAttempts } from './failed-attempts.ts';
import { acceptJsonBody } from './request-body.ts';
import {
  type Holder,
  linkMs,
  roleOf,
  roleOfSession,
  type BrowserSession,
  type Sessions,
  sessionCookie,
  setSessionCookie,
} from './sessions.ts';
import { findToken } from './token.ts';
import type { AdminSpec } from '../core/configuration.ts';

/** A requester, with what authorization has found, and how its request came. */
export interface AdminRequester extends Requester, Pick<Authorized, 'role' | 'token' | 'session'> {
  readonly via: 'socket' | 'tcp';
  /** Over TLS. */
  readonly secure: boolean;
}

interface SessionState {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly spec: AdminSpec;
  readonly failedAttempts: FailedAttempts;
  readonly denials: DenialReport;
  /** `https://host:port` at which browsers reach this gateway; null: at none that shows a certificate for a name of it. */
  readonly publicUrl: string | null;
}

type SessionOperation = 'readSession' | 'openSession' | 'endSession' | 'makeLink';

/** Login, logout and links of the dashboard. */
export class SessionApi {
  readonly #state: SessionState;
  readonly #sessions: Sessions;

  constructor(state: SessionState, sessions: Sessions) {
    this.#state = state;
    this.#sessions = sessions;
  }

  async handle(
    id: SessionOperation,
    requester: AdminRequester,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    switch (id) {
      case 'readSession':
        return sendJson(response, 200, this.#statusOf(requester));
      case 'openSession':
        return this.#logIn(requester, request, response);
      case 'endSession':
        return this.#logOut(requester, request, response);
      case 'makeLink':
        return this.#makeLink(requester, response);
    }
  }

  /** `GET /?link=<secret>`: with a valid one the answer sets the cookie. The address bar keeps no secret either way. */
  async useLink(
    secret: string,
    requester: AdminRequester,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { events, spec } = this.#state;
    const opened = this.#sessions.useLink(secret, spec.tokens);
    response.setHeader('Location', opened === null ? '/#/login?why=link' : '/');
    if (opened !== null) {
      setCookie(requester, request, response, opened.secret);
      const actor = actorOfSession(opened.session);
      await audited(events, { id: 'openSession', target: null }, { actor, remote: requester.remote }, async () => {});
    }
    response.writeHead(303).end();
  }

  async #logIn(requester: AdminRequester, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await acceptJsonBody(request, response);
    if (body === null) return;
    const presented = (body.value as { token?: unknown } | null)?.token;
    if (typeof presented !== 'string') return sendProblem(response, 422, 'The body is {"token": "<token>"}.');
    if (requester.via === 'socket')
      return sendProblem(response, 409, 'The unix socket needs no session: whoever may open it may do everything.');
    const { events, spec } = this.#state;
    const token = findToken(spec.tokens, presented);
    if (token === null) return this.#refuse(requester, request, response);
    const { secret, session } = this.#sessions.open({ token, role: roleOfSession(roleOf(token)) });
    setCookie(requester, request, response, secret);
    const actor = actorOfSession(session);
    await audited(events, { id: 'openSession', target: null }, { actor, remote: requester.remote }, async () => {});
    sendJson(response, 200, this.#statusOf({ actor, role: session.role, session }));
  }

  #refuse({ remote }: AdminRequester, request: IncomingMessage, response: ServerResponse): void {
    const { failedAttempts, denials } = this.#state;
    const mayTry = failedAttempts.count(request.socket.remoteAddress ?? '');
    denials.note({ why: mayTry ? 'wrong_token' : 'too_many_attempts', operation: 'openSession', remote });
    response.setHeader('Connection', 'close');
    if (!mayTry) response.setHeader('Retry-After', retryAfterS);
    sendProblem(response, mayTry ? 401 : 429, mayTry ? needsToken : tooManyAttempts);
  }

  async #logOut(requester: AdminRequester, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { session } = requester;
    if (session === null) return sendProblem(response, 409, 'This request has no session that could end.');
    setCookie(requester, request, response, null);
    await audited(this.#state.events, { id: 'endSession', target: null }, requester, async () => {});
    response.writeHead(204).end();
    this.#sessions.end(session);
  }

  /** A link has the role of the token or session that asks for it, and no more; what a session makes ends with that session. */
  async #makeLink(requester: AdminRequester, response: ServerResponse): Promise<void> {
    const { clock, events, publicUrl } = this.#state;
    const holder: Holder = { token: requester.token, role: roleOfSession(requester.role ?? 'read') };
    const path = `/?link=${this.#sessions.makeLink(holder, requester.session)}`;
    await audited(events, { id: 'makeLink', target: null }, requester, async () => {});
    const answer: LinkStatus = {
      path,
      url: publicUrl === null ? null : `${publicUrl}${path}`,
      ends_at: new Date(clock.wallTime() + linkMs).toISOString(),
    };
    sendJson(response, 200, answer);
  }

  #statusOf({ actor, role, session }: Pick<AdminRequester, 'actor' | 'role' | 'session'>): SessionStatus {
    return { actor, role: role ?? 'read', ends_at: session === null ? null : this.#endOf(session) };
  }

  #endOf({ endsAt }: BrowserSession): string {
    const { clock } = this.#state;
    return new Date(clock.wallTime() + endsAt - clock.now()).toISOString();
  }
}

function setCookie(
  { secure }: AdminRequester,
  request: IncomingMessage,
  response: ServerResponse,
  secret: string | null,
): void {
  const name = sessionCookie(request.headers.host ?? '', secure);
  response.setHeader('Set-Cookie', setSessionCookie(name, secret, secure));
}
