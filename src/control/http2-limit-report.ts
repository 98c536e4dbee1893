import type { EventSink } from '../core/event.ts';
import { endsConnection, type Http2LimitCount, type Http2LimitName } from '../core/http2-limit.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { type CurrentListeners, ListenerTotals } from './listener-totals.ts';
import { Http2LimitMemory, type RecentHttp2Limits } from './http2-limit-memory.ts';

/** A flood over many connections is one event for each limit, not thousands. */
const reportEveryMs = 10_000;

/** Completes "the HTTP/2 connection of 192.0.2.1 was ended: too many …". */
const texts: Readonly<Record<Exclude<Http2LimitName, 'abandoned'>, string>> = {
  resets: 'resets of its own requests',
  settings: 'SETTINGS frames',
  pings: 'PING frames',
  priorities: 'PRIORITY and PRIORITY_UPDATE frames',
  empty_frames: 'DATA frames without content',
  window_updates: 'WINDOW_UPDATE frames',
  errors: 'frames that break rules of their streams',
  ignored_frames: 'frames of unknown types, or acknowledgements of nothing',
  hpack_bombs: 'header sections that are many times as large as their bytes',
  continuations: 'CONTINUATION frames for one header section',
  header_block: 'bytes in one header section',
};

interface Pending {
  count: number;
  last: Http2LimitCount;
  nextAt: Instant;
}

/** Counts the connections with which HTTP/2 clients reached a limit, and reports each limit: at once, then every ten seconds while it lasts. */
export class Http2LimitReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #pending = new Map<string, Pending>();
  readonly #totals: ListenerTotals<Http2LimitCount>;
  readonly #memory: Http2LimitMemory;

  constructor(clock: Clock, events: EventSink, listeners: CurrentListeners) {
    this.#totals = new ListenerTotals(clock, ({ limit }) => limit, listeners);
    this.#clock = clock;
    this.#events = events;
    this.#memory = new Http2LimitMemory(clock);
  }

  /** Since the start, by listener and limit. */
  get totals(): readonly Http2LimitCount[] {
    return this.#totals.all;
  }

  /** In the last minute; null: none. */
  get recent(): RecentHttp2Limits | null {
    return this.#memory.recent;
  }

  /** Also called without any, because those that wait may be due. */
  note(reached: readonly Http2LimitCount[]): void {
    this.#totals.add(reached);
    for (const one of reached) this.#add(one);
    this.#memory.note(reached);
    if (this.#pending.size === 0) return;
    const now = this.#clock.now();
    for (const [key, pending] of this.#pending) {
      if (now < pending.nextAt) continue;
      if (pending.count === 0) this.#pending.delete(key);
      else this.#emit(pending, now);
    }
  }

  #add(reached: Http2LimitCount): void {
    const key = `${reached.listener} ${reached.limit}`;
    const pending = this.#pending.get(key);
    if (pending === undefined)
      this.#pending.set(key, { count: reached.count, last: reached, nextAt: this.#clock.now() });
    else {
      pending.count += reached.count;
      pending.last = reached;
    }
  }

  #emit(pending: Pending, now: Instant): void {
    const { count, last } = pending;
    const { listener, limit, address, delayMs } = last;
    pending.count = 0;
    pending.nextAt = after(now, reportEveryMs);
    this.#events.emit({
      kind: 'http2_limit_reached',
      subject: `listener:${listener}`,
      reason: `${whatHappened(last, count)}${delayMs === 0 ? '' : `; the next connections from there wait ${delayMs} ms`}`,
      evidence: { limit, count, address, delayMs },
    });
  }
}

function whatHappened({ limit, address }: Http2LimitCount, count: number): string {
  if (!endsConnection(limit)) {
    return count === 1
      ? `the client at ${address} abandoned too many requests by closing its connections`
      : `clients closed ${count} connections after they had abandoned too many requests, the last one at ${address}`;
  }
  const ended =
    count === 1
      ? `the HTTP/2 connection of ${address} was ended`
      : `${count} HTTP/2 connections were ended, the last of ${address}`;
  return `${ended}: too many ${texts[limit]}`;
}
