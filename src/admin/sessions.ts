import type { AdminRole } from '../core/admin-roles.ts';
import type { AdminToken } from '../core/configuration.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { KeptSession, SessionStorage } from './session-file.ts';
import { digestOf, makeSecret } from './token.ts';

/** A working day: whoever watches a gateway for longer logs in again. */
const sessionMs = 12 * 3_600_000;
/** From the command that prints a link to the browser that opens it. */
export const linkMs = 60_000;
/** A few for each person. When there are more, the oldest ends. */
const sessionsMax = 256;
const linksMax = 64;
/** A valid secret has 43 characters. */
const charactersMax = 64;

/** Whose right a session or link carries on. */
export interface Holder {
  /** Null: the session was opened through the unix socket, and does not depend on a token. */
  readonly token: AdminToken | null;
  readonly role: AdminRole;
}

export interface BrowserSession extends Holder {
  /** The digest of its secret, which only the browser has. */
  readonly id: string;
  readonly endsAt: Instant;
  /** The session whose link opened this one, which ends with it; null: another holder opened it. */
  readonly parent: string | null;
}

interface Link {
  readonly holder: Holder;
  /** The session that made the link. */
  readonly parent: string | null;
  readonly endsAt: Instant;
}

/**
 * Sessions of browsers, and links that open one. They are kept by the digest of their secret, so that the time of a look-up says
 * nothing about a secret (ADR 30). With a storage, sessions go on in the next process, and end in all processes that share it; links
 * are in memory alone.
 */
export class Sessions {
  readonly #clock: Clock;
  readonly #random: Random;
  /** Oldest first. */
  readonly #sessions = new Map<string, BrowserSession>();
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Set<(session: BrowserSession) => void>();
  readonly #storage: SessionStorage | null;
  #timer: Timer | null = null;

  constructor(clock: Clock, random: Random, storage: SessionStorage | null = null) {
    this.#clock = clock;
    this.#random = random;
    this.#storage = storage;
  }

  open(holder: Holder): { readonly secret: string; readonly session: BrowserSession } {
    return this.#open(holder, null);
  }

  #open({ token, role }: Holder, parent: BrowserSession | null): ReturnType<Sessions['open']> {
    this.#takeStored();
    const secret = makeSecret(this.#random);
    const endsAt = parent?.endsAt ?? after(this.#clock.now(), sessionMs);
    const session: BrowserSession = { token, role, id: idOf(secret), endsAt, parent: parent?.id ?? null };
    this.#sessions.set(session.id, session);
    const [oldest] = this.#sessions.values();
    if (this.#sessions.size > sessionsMax && oldest !== undefined) this.#end(oldest);
    this.#arm();
    this.#store();
    return { secret, session };
  }

  /** The session with this secret, with the present role of its token; null if it is over, or if its token is not among `tokens`. */
  find(secret: string, tokens: readonly AdminToken[]): BrowserSession | null {
    return this.findOne([secret], tokens);
  }

  /**
   * The session with one of these secrets. Null if none opens a session, and if two open different ones: it is not known which of them the person
   * at the browser has opened.
   */
  findOne(secrets: readonly string[], tokens: readonly AdminToken[]): BrowserSession | null {
    this.#takeStored();
    let found: BrowserSession | null = null;
    for (const secret of new Set(secrets)) {
      const session = secret.length > charactersMax ? undefined : this.#sessions.get(idOf(secret));
      const current = session === undefined ? null : this.#current(session, tokens);
      if (current !== null && found !== null) return null;
      found ??= current;
    }
    return found;
  }

  /** Whether the session with this id is not over, and its token is among `tokens`. */
  isOpen(id: string, tokens: readonly AdminToken[]): boolean {
    const session = this.#sessions.get(id);
    return session !== undefined && this.#current(session, tokens) !== null;
  }

  end(session: BrowserSession): void {
    this.#takeStored();
    if (this.#end(session)) this.#store();
  }

  /** Whether it had not ended before. */
  #end({ id }: BrowserSession): boolean {
    const session = this.#sessions.get(id);
    if (!this.#sessions.delete(id) || session === undefined) return false;
    for (const child of this.#sessions.values()) if (child.parent === id) this.#end(child);
    for (const listener of this.#listeners) listener(session);
    return true;
  }

  /** Calls back with each session that ends by itself or by a logout, until the returned function is called. */
  onEnd(listener: (session: BrowserSession) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A secret that opens one session of this holder, within `linkMs`. `parent`: the session that asks, with which that one ends. */
  makeLink(holder: Holder, parent: BrowserSession | null = null): string {
    const secret = makeSecret(this.#random);
    this.#links.set(idOf(secret), { holder, parent: parent?.id ?? null, endsAt: after(this.#clock.now(), linkMs) });
    const [oldest] = this.#links.keys();
    if (this.#links.size > linksMax && oldest !== undefined) this.#links.delete(oldest);
    return secret;
  }

  /** Null if the link was used, is over, or if its token is not among `tokens`. */
  useLink(secret: string, tokens: readonly AdminToken[]): ReturnType<Sessions['open']> | null {
    if (secret.length > charactersMax) return null;
    this.#takeStored();
    const id = idOf(secret);
    const link = this.#links.get(id);
    this.#links.delete(id);
    if (link === undefined || link.endsAt <= this.#clock.now()) return null;
    const holder = currentHolder(link.holder, tokens);
    if (holder === null) return null;
    if (link.parent === null) return this.open(holder);
    const parent = this.#sessions.get(link.parent);
    return parent === undefined || parent.endsAt <= this.#clock.now() ? null : this.#open(holder, parent);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #current(session: BrowserSession, tokens: readonly AdminToken[]): BrowserSession | null {
    if (session.endsAt <= this.#clock.now()) return null;
    const holder = currentHolder(session, tokens);
    return holder === null ? null : { ...session, ...holder };
  }

  /** One timer for the session that ends next. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#sessions.size === 0) return;
    const next = Math.min(...[...this.#sessions.values()].map(({ endsAt }) => endsAt)) as Instant;
    this.#timer = this.#clock.schedule(next, (sessions: Sessions) => sessions.#endOld(), this);
  }

  #endOld(): void {
    this.#timer = null;
    const now = this.#clock.now();
    for (const session of this.#sessions.values()) if (session.endsAt <= now) this.#end(session);
    this.#arm();
  }

  /** What the process before has left, or a predecessor or successor has changed: both answer for a moment. */
  #takeStored(): void {
    const stored = this.#storage?.readChanged() ?? null;
    if (stored === null) return;
    const [now, wallTime] = [this.#clock.now(), this.#clock.wallTime()];
    const known = new Set(stored.map(({ id }) => id));
    for (const session of this.#sessions.values()) if (!known.has(session.id)) this.#end(session);
    for (const { endsAt, ...kept } of stored.toSorted((a, b) => a.endsAt - b.endsAt)) {
      // The clock may have been set in between.
      const leftMs = Math.min(sessionMs, endsAt - wallTime);
      if (leftMs > 0 && !this.#sessions.has(kept.id))
        this.#sessions.set(kept.id, { ...kept, endsAt: after(now, leftMs) });
    }
    this.#arm();
  }

  #store(): void {
    if (this.#storage === null) return;
    const ahead = this.#clock.wallTime() - this.#clock.now();
    const kept = [...this.#sessions.values()].map(
      ({ id, token, role, endsAt, parent }): KeptSession => ({
        ...{ id, role, parent, endsAt: Math.round(endsAt + ahead) },
        token: token === null ? null : { name: token.name, hash: token.hash },
      }),
    );
    this.#storage.write(kept);
  }
}

function currentHolder({ token, role }: Holder, tokens: readonly AdminToken[]): Holder | null {
  if (token === null) return { token, role };
  const current = tokens.find(({ name, hash }) => name === token.name && hash === token.hash);
  return current === undefined ? null : { token: current, role: roleOfSession(roleOf(current)) };
}

/** A browser brings no code: what a page could send must not be a release. */
export const roleOfSession = (role: AdminRole): AdminRole => (role === 'deploy' ? 'operate' : role);

export function roleOf({ role }: AdminToken): AdminRole {
  return role ?? 'operate';
}

function idOf(secret: string): string {
  return digestOf(secret).toString('hex');
}

/**
 * Browsers send the cookies of a host to each of its ports, so the name has the port: several gateways on a machine, and tunnels to
 * them, do not log each other out. `__Host-`: browsers take it only over TLS, from this host, and for all its paths.
 */
export function sessionCookie(host: string, secure: boolean): string {
  const port = /:(\d{1,5})$/.exec(host)?.[1] ?? (secure ? '443' : '80');
  return `${secure ? '__Host-' : ''}candor-session-${port}`;
}

/** The values of a cookie, as many as a head has room for: another port of the host may have set one of them for a longer path. */
export function cookieValues(header: string | undefined, name: string): readonly string[] {
  return (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

/** `Set-Cookie` for a session; without `secret` it deletes the cookie. */
export function setSessionCookie(name: string, secret: string | null, secure: boolean): string {
  const maxAge = secret === null ? 0 : sessionMs / 1000;
  const value = `${name}=${secret ?? ''}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict`;
  return secure ? `${value}; Secure` : value;
}
