import { after, type Clock, type Timer } from '../core/time.ts';
import { drainMs } from '../core/drain.ts';
import type { ResolvedAddress } from '../policy/dns-cache.ts';

/**
 * An address that a name resolves to, or resolved to before:
 *
 *     current ──the name resolves to others──▶ previous ──a current one is ready──▶ draining ──drainMs──▶ gone
 *        ◀─────────the name resolves to it again──┴────────────────────────────────────┘
 *
 * A previous address gets requests as before, since no current one has shown yet that it is ready. An address that has become
 * prohibited drains at once.
 */
export interface TrackedAddress extends ResolvedAddress {
  readonly state: 'current' | 'previous' | 'draining';
}

/** The addresses of one name of one upstream. */
export class TrackedAddresses {
  readonly #clock: Clock;
  /** A draining address is gone. */
  readonly #onGone: () => void;
  readonly #addresses = new Map<string, TrackedAddress>();
  readonly #drains = new Map<string, Timer>();

  constructor(clock: Clock, onGone: () => void) {
    this.#clock = clock;
    this.#onGone = onGone;
  }

  /** Current addresses first, in the order of the answer. */
  get all(): readonly TrackedAddress[] {
    return [...this.#addresses.values()].toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  }

  /** The name resolves to `addresses` now, to all of which we may connect; `isAllowed` decides about the earlier ones. */
  update(addresses: readonly ResolvedAddress[], isAllowed: (address: string) => boolean): void {
    for (const member of this.#addresses.values()) {
      const { address, secondAddress, state } = member;
      if (state === 'draining' || addresses.some((pair) => pair.address === address)) continue;
      const kept: TrackedAddress = {
        address,
        secondAddress: secondAddress !== null && isAllowed(secondAddress) ? secondAddress : null,
        state: 'previous',
      };
      if (isAllowed(address)) this.#addresses.set(address, kept);
      else this.#drain(kept);
    }
    for (const pair of addresses) {
      this.#drains.get(pair.address)?.cancel();
      this.#drains.delete(pair.address);
      this.#addresses.set(pair.address, { ...pair, state: 'current' });
    }
  }

  /**
   * Drains previous addresses where that costs nothing: a current address is ready, or they are not ready themselves.
   * Returns whether any began to drain.
   */
  release(isReady: (member: TrackedAddress) => boolean): boolean {
    const addresses = [...this.#addresses.values()];
    const kept = addresses.filter(({ state }) => state === 'previous');
    if (kept.length === 0) return false;
    const current = addresses.filter(({ state }) => state === 'current');
    const replaced = current.some(isReady);
    const leaving = kept.filter((member) => replaced || (current.length > 0 && !isReady(member)));
    for (const member of leaving) this.#drain(member);
    return leaving.length > 0;
  }

  #drain(member: TrackedAddress): void {
    const { address } = member;
    this.#addresses.set(address, { ...member, state: 'draining' });
    const gone = (): void => {
      this.#drains.delete(address);
      this.#addresses.delete(address);
      this.#onGone();
    };
    this.#drains.set(address, this.#clock.schedule(after(this.#clock.now(), drainMs), gone, undefined));
  }

  stop(): void {
    for (const timer of this.#drains.values()) timer.cancel();
    this.#drains.clear();
  }
}

const order: readonly TrackedAddress['state'][] = ['current', 'previous', 'draining'];
