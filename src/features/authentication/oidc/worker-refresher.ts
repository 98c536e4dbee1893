import type { Clock, Instant } from '../../../core/time.ts';
import type { OidcSpec } from './settings.ts';
import type { Asker, Provider, ProviderFault } from './worker-provider.ts';
import type { Refreshes } from './worker-refreshes.ts';
import { graceMs, type LoginSession, sessionOf } from './worker-session.ts';

/** `isNew`: the browser is to keep it in place of the one it has sent. */
type Refreshed =
  | { readonly kind: 'session'; readonly session: LoginSession; readonly isNew: boolean }
  | Extract<ProviderFault, { kind: 'unavailable' }>
  /** The user has to log in again, and a clause says why. */
  | { readonly kind: 'over'; readonly because: string };

/** Responses with the new cookie may be lost, and requests with the old one be under way. */
const keptMs = 10 * 60_000;
const keptMax = 4096;

/** Asks the provider for new tokens when those of a session are about to end: once for all requests that come with the same ones. */
export class SessionRefresher {
  readonly #spec: OidcSpec;
  readonly #provider: Provider;
  readonly #refreshes: Refreshes;
  readonly #clock: Clock;
  readonly #running = new Map<string, Promise<Refreshed>>();
  readonly #done = new Map<string, { readonly session: LoginSession; readonly until: Instant }>();

  constructor(spec: OidcSpec, provider: Provider, refreshes: Refreshes, clock: Clock) {
    this.#spec = spec;
    this.#provider = provider;
    this.#refreshes = refreshes;
    this.#clock = clock;
  }

  /** Its user has logged out, or the provider has ended it. */
  hasEnded({ id }: LoginSession): boolean {
    return this.#refreshes.hasEnded(id);
  }

  end({ id }: LoginSession): void {
    this.#refreshes.end(id);
  }

  /** Null: there is no need. */
  refresh(session: LoginSession, asker: Asker): LoginSession | Promise<Refreshed> | null {
    const { refreshAt, refreshToken } = session;
    if (refreshAt === null || refreshToken === null || this.#clock.wallTime() < refreshAt) return null;
    const id = idOf(session);
    const done = this.#done.get(id);
    if (done !== undefined && done.until > this.#clock.now()) return this.refresh(done.session, asker) ?? done.session;
    const running = this.#running.get(id);
    if (running !== undefined) return running;
    if (!this.#refreshes.begin(id)) {
      // Another worker has begun it, and its response has the new cookie.
      if (this.#isInGrace(session)) return null;
      return Promise.resolve({ kind: 'over', because: 'its login was continued elsewhere' });
    }
    const begun = this.#run(session, refreshToken, id, asker).finally(() => this.#running.delete(id));
    this.#running.set(id, begun);
    return begun;
  }

  async #run(session: LoginSession, refreshToken: string, id: string, asker: Asker): Promise<Refreshed> {
    const { sub } = session.claims;
    const subject = typeof sub === 'string' ? sub : '';
    const result = await this.#provider.refresh(refreshToken, subject, asker);
    if (!result.ok && result.fault.kind === 'unavailable') {
      this.#refreshes.undo(id);
      return this.#isInGrace(session) ? { kind: 'session', session, isNew: false } : result.fault;
    }
    if (!result.ok) {
      this.end(session);
      return { kind: 'over', because: 'the provider does not continue its login' };
    }
    const next = sessionOf(session.id, result.value, session, this.#spec, this.#clock);
    if ('because' in next) {
      this.end(session);
      return { kind: 'over', because: next.because };
    }
    this.#done.set(id, { session: next, until: (this.#clock.now() + keptMs) as Instant });
    if (this.#done.size > keptMax) for (const oldest of this.#done.keys()) if (this.#done.delete(oldest)) break;
    return { kind: 'session', session: next, isNew: true };
  }

  #isInGrace({ refreshAt }: LoginSession): boolean {
    return this.#clock.wallTime() < (refreshAt ?? 0) + graceMs;
  }
}

function idOf({ id, turn }: LoginSession): string {
  return `${id} ${turn}`;
}
