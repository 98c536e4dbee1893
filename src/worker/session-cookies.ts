import { createHmac, createSecretKey } from 'node:crypto';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import { SessionTokens } from '../policy/session-tokens.ts';
import type { StickySessions } from '../policy/sticky-sessions.ts';

/** Without a lifetime of its own a cookie goes with the browser, which may be open for days. */
const lifetimeOfOpenBrowserMs = 24 * 3_600_000;

/** The sticky sessions of each upstream that has them: one object for as long as its settings and the key stay. */
export class SessionCookies {
  readonly #wallTime: () => number;
  /** Of all upstreams without a key of their own. */
  #key = '';
  readonly #known = new Map<string, { readonly settings: string; readonly sessions: StickySessions }>();

  constructor(wallTime: () => number) {
    this.#wallTime = wallTime;
  }

  useKey(key: string): void {
    if (key !== this.#key) this.#known.clear();
    this.#key = key;
  }

  of({ id, sticky }: Pick<UpstreamSnapshot, 'id' | 'sticky'>): StickySessions | null {
    if (sticky === undefined) return null;
    const settings = JSON.stringify(sticky);
    const known = this.#known.get(id);
    if (known?.settings === settings) return known.sessions;
    const secret = createHmac('sha256', sticky.key ?? this.#key)
      .update(`candor session ${id}`)
      .digest();
    const key = createSecretKey(secret);
    const tokens = new SessionTokens(
      (text) => createHmac('sha256', key).update(text).digest('base64url'),
      sticky.cookieLifetimeMs ?? lifetimeOfOpenBrowserMs,
    );
    const sessions = { spec: sticky, tokens, wallTime: this.#wallTime };
    this.#known.set(id, { settings, sessions });
    return sessions;
  }
}
