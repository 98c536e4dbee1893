import { type CookieLines, cookieValue } from './cookie-value.ts';
import type { BalancedEndpoint, Balancer, BalancerContext } from './balancer.ts';
import type { SessionToken, SessionTokens } from './session-tokens.ts';

/** How clients stay at an endpoint, by a signed cookie. */
export interface StickySpec {
  /** The name of the cookie. */
  readonly cookie: string;
  readonly path: string;
  /** Null: the host that answers, without its subdomains. */
  readonly domain: string | null;
  /** How long browsers keep it; null: until they are closed. */
  readonly cookieLifetimeMs: number | null;
  /** 'auto': if the client speaks TLS. */
  readonly secure: boolean | 'auto';
  readonly httpOnly: boolean;
  readonly sameSite: 'lax' | 'strict' | 'none';
  /** Whether a draining endpoint keeps its sessions. */
  readonly keepsDraining: boolean;
}

/** The sessions of one upstream: what its balancer and the filter of its routes know in common. */
export interface StickySessions {
  readonly spec: StickySpec;
  readonly tokens: SessionTokens;
  readonly wallTime: () => number;
}

/** The token of a request; null if it has none that is valid. */
export function sessionOf({ spec, tokens, wallTime }: StickySessions, lines: CookieLines): SessionToken | null {
  const value = cookieValue(lines, spec.cookie);
  return value === null || value === '' ? null : tokens.read(value, wallTime());
}

/**
 * Sends each request to the endpoint that its cookie names, as long as that may get it. All other requests are balanced by `inner`, and so are those whose
 * endpoint is not ready, or has been tried.
 */
export class StickyBalancer<E extends BalancedEndpoint> implements Balancer<E> {
  readonly #inner: Balancer<E>;
  readonly #sessions: StickySessions;
  readonly #tags = new Map<string, string>();
  #byTag: ReadonlyMap<string, E> = new Map();
  #stayingByTag: ReadonlyMap<string, E> = new Map();

  constructor(inner: Balancer<E>, sessions: StickySessions) {
    this.#inner = inner;
    this.#sessions = sessions;
  }

  update(endpoints: readonly E[], staying: readonly E[] = []): void {
    this.#inner.update(endpoints);
    for (const id of this.#tags.keys())
      if (![...endpoints, ...staying].some((one) => one.id === id)) this.#tags.delete(id);
    this.#byTag = this.#tagged(endpoints);
    this.#stayingByTag = this.#tagged(staying);
  }

  #tagged(endpoints: readonly E[]): ReadonlyMap<string, E> {
    return new Map(endpoints.map((endpoint) => [this.#tagOf(endpoint), endpoint]));
  }

  #tagOf({ id }: E): string {
    const known = this.#tags.get(id) ?? this.#sessions.tokens.tagOf(id);
    this.#tags.set(id, known);
    return known;
  }

  hasSession(context: BalancerContext<E>): boolean {
    return this.#homeOf(context) !== null;
  }

  pick(context: BalancerContext<E>): E | null {
    const home = this.#homeOf(context);
    return home === null || context.tried.includes(home) ? this.#inner.pick(context) : home;
  }

  #homeOf(context: BalancerContext<E>): E | null {
    const session = sessionOf(this.#sessions, context);
    if (session === null) return null;
    return this.#byTag.get(session.tag) ?? this.#stayingByTag.get(session.tag) ?? null;
  }
}
