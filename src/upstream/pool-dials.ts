import { type ConnectionGroup, isPrivate } from '../core/pooled-connection.ts';
import type { PendingStream, StreamWaiter } from '../core/stream.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { DialPorts } from './dial.ts';
import { streamsAssumed } from './h2/connection.ts';
import {
  type DialDemand,
  type DialSettings,
  type DialShare,
  groupFor,
  PoolDial,
  type PoolDialOwner,
  type PoolDialTarget,
} from './pool-dial.ts';

/** For how long HTTP/1.1 is spoken with an endpoint that has asked for it; less where its program may have been replaced (`forgetProtocol`). */
const http1RememberedMs = 60 * 60_000;

const longAgo = Number.NEGATIVE_INFINITY as Instant;

/**
 * The connections of a pool that are being made, and over which protocol. Requests that come while one is made that is likely to
 * carry many streams share it, so that a burst after a start does not make a connection for each request.
 */
export class PoolDials {
  /** Requests that wait for dials. */
  shares = 0;
  /** Dials that are not over. */
  count = 0;
  /** How connections begin now. Replaced only when a value has changed, so that `===` compares settings. */
  settings: DialSettings;
  readonly #clock: Clock;
  readonly #joinable = new Set<PoolDial>();
  /** Whether the last connection that could have been HTTP/2 is; null: there was none. */
  #speaksHttp2: boolean | null = null;
  /** Until when HTTP/1.1 is spoken because the endpoint wants that. */
  #http1Until = longAgo;

  constructor(settings: DialSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
  }

  /** False where nothing has changed. */
  change(settings: DialSettings): boolean {
    if (JSON.stringify(settings) === JSON.stringify(this.settings)) return false;
    this.settings = settings;
    this.forgetProtocol();
    return true;
  }

  /** Another program may serve the endpoint from now on, with other versions of HTTP. */
  forgetProtocol(): void {
    this.#speaksHttp2 = null;
    this.#http1Until = longAgo;
  }

  /** The group of connections that may carry the request. */
  groupFor(waiter: StreamWaiter): string | null {
    return groupFor(waiter, this.settings, this.#isHttp1For(waiter));
  }

  /** Whether the request goes over HTTP/1.1 although the upstream has HTTP/2. */
  #isHttp1For({ needsHttp1 }: StreamWaiter): boolean {
    return this.settings.protocol === 'http2' && (needsHttp1 || this.#clock.now() < this.#http1Until);
  }

  /** HTTP/2 cannot authenticate a connection. A port in clear text that takes HTTP/2 may take nothing else: there the request goes over HTTP/2, on a connection of its client's own. */
  #isHttp1In(group: ConnectionGroup): boolean {
    return isPrivate(group) && this.settings.tls !== null;
  }

  /**
   * Joins a dial whose connection can carry one more request of the group; null: there is none. As many as are assumed to fit on a
   * connection may join; the next one dials another.
   */
  join(group: ConnectionGroup, demand: DialDemand): PendingStream | null {
    for (const dial of this.#joinable) {
      if (dial.group === group && dial.settings === this.settings && dial.size < streamsAssumed)
        return this.#share(dial, demand);
    }
    return null;
  }

  #share(dial: PoolDial, demand: DialDemand): PendingStream {
    this.shares++;
    return dial.join(demand);
  }

  /** `mayShare`: connections carry more than one request. */
  begin(
    target: PoolDialTarget,
    demand: DialDemand,
    group: ConnectionGroup,
    mayShare: boolean,
    ports: DialPorts,
    owner: PoolDialOwner,
  ): PendingStream {
    const { waiter } = demand;
    const isHttp1 = this.#isHttp1For(waiter) || this.#isHttp1In(group);
    const dial = new PoolDial(target, this.settings, group, isHttp1, demand, ports, owner);
    this.count++;
    if (dial.protocol === 'http2' && mayShare && this.#speaksHttp2 !== false) this.#joinable.add(dial);
    const share = this.#share(dial, demand);
    dial.begin();
    return share;
  }

  /** The dial is over: those who shared it. */
  end(dial: PoolDial): readonly DialShare[] {
    this.#joinable.delete(dial);
    this.count--;
    const shares = dial.takeShares();
    this.shares -= shares.length;
    return shares;
  }

  /** What the dial has made. */
  noteProtocol({ protocol }: PoolDial, isMultiplexed: boolean): void {
    if (protocol === 'http2') this.#speaksHttp2 = isMultiplexed;
  }

  /**
   * The endpoint wants HTTP/1.1: for some requests (with NTLM, say), or for all. Without TLS there is no ALPN to choose it: a port
   * that takes HTTP/2 in clear text may take nothing else, so the answer concerns its request alone.
   */
  noteHttp1Required(): void {
    if (this.settings.tls === null) return;
    this.#http1Until = after(this.#clock.now(), http1RememberedMs);
  }
}
