import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { DenialReason } from './authorization.ts';

/** Often enough to follow an attack, and rarely enough that the reports do not displace other events. */
const reportEveryMs = 10_000;

/** A visit to the page without a session says little: a line for each address and minute is enough. */
const visitsEveryMs = 60_000;
/** Further addresses are reported together. */
const pageClientsMax = 256;

interface DeniedRequest {
  readonly why: DenialReason | 'too_many_connections';
  /** The requested operation; null if the request names none. */
  readonly operation: string | null;
  /** Address and port. */
  readonly remote: string | null;
}

interface Tally {
  readonly everyMs: number;
  count: number;
  last: DeniedRequest;
  nextAt: Instant;
  timer: Timer | null;
}

/** Reports refused requests by reason, and visits without a session by address: the first at once, then their number. */
export class DenialReport {
  readonly #events: EventSink;
  readonly #clock: Clock;
  /** One entry for each reason, and for each address that opens the page. */
  readonly #tallies = new Map<string, Tally>();

  constructor(events: EventSink, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  note(one: DeniedRequest): void {
    const tally = this.#tallyOf(one);
    tally.count += 1;
    tally.last = one;
    if (tally.timer !== null) return;
    if (this.#clock.now() >= tally.nextAt) this.#emit(tally);
    else tally.timer = this.#clock.schedule(tally.nextAt, (due: Tally) => this.#emit(due), tally);
  }

  #tallyOf(one: DeniedRequest): Tally {
    const address = pageClientOf(one);
    const key = address === null || !this.#hasRoomFor(address) ? one.why : address;
    const known = this.#tallies.get(key);
    if (known !== undefined) return known;
    const everyMs = key === one.why ? reportEveryMs : visitsEveryMs;
    const created: Tally = { everyMs, count: 0, last: one, nextAt: this.#clock.now(), timer: null };
    this.#tallies.set(key, created);
    return created;
  }

  /** Forgets addresses whose minute is over. */
  #hasRoomFor(address: string): boolean {
    if (this.#tallies.has(address) || this.#tallies.size < pageClientsMax) return true;
    const now = this.#clock.now();
    for (const [key, { timer, nextAt }] of this.#tallies)
      if (timer === null && nextAt <= now) this.#tallies.delete(key);
    return this.#tallies.size < pageClientsMax;
  }

  /** Reports at once what has not been reported yet. */
  close(): void {
    for (const tally of this.#tallies.values()) {
      tally.timer?.cancel();
      if (tally.count > 0) this.#emit(tally);
    }
  }

  #emit(tally: Tally): void {
    const { count, last } = tally;
    const { why, operation, remote } = last;
    tally.count = 0;
    tally.timer = null;
    tally.nextAt = after(this.#clock.now(), tally.everyMs);
    this.#events.emit({
      kind: 'admin_refused',
      subject: 'admin',
      reason: `The admin API refused ${countText(count)}${remote === null ? '' : `, the last from ${remote}`}: ${sentences[why]}.`,
      evidence: { reason: why, count, operation, remote },
      actor: 'admin:unknown',
    });
  }
}

/** The address of a browser that opens the page: it asks first who it is. Null: the request is something else. */
function pageClientOf({ why, operation, remote }: DeniedRequest): string | null {
  const isVisit = operation === 'readSession' && (why === 'no_token' || why === 'wrong_session');
  return isVisit && remote !== null ? `page of ${remote.replace(/:\d+$/, '')}` : null;
}

function countText(count: number): string {
  return count === 1 ? 'a request' : `${count} requests`;
}

const sentences: Readonly<Record<DeniedRequest['why'], string>> = {
  ambiguous: 'it was ambiguous or malformed',
  wrong_host: 'its host name is not among `admin.hosts`',
  cross_site: 'a browser sent it for a page of another origin',
  form_content: 'its body had a content type that forms send',
  no_token: 'it came without a token',
  wrong_token: 'its token is not among `admin.tokens`',
  wrong_session: 'its session is over, or there was none',
  role: 'its token has the role read, and the operation needs operate',
  too_many_attempts: 'too many wrong tokens came from that address',
  too_many_connections: 'too many connections without a token were open',
};
