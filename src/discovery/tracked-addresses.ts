import { after, type Clock, type Timer } from '../core/time.ts';
import { drainMs } from '../core/drain.ts';
import type { ResolvedAddress } from '../policy/dns-cache.ts';

/**
 * An address that a name leads to, or led to:
 *
 *     current ──the name leads elsewhere──▶ kept ──another is ready──▶ draining ──drainMs──▶ gone
 *        ◀──────────────────it comes back──────┴──────────────────────────┘
 *
 * A kept one goes on as before: nothing is sent to an address that has not shown that it is ready while there is one
 * that has. One that may no longer be connected to drains at once, whatever becomes of the rest.
 */
export interface TrackedAddress extends ResolvedAddress {
  readonly state: 'current' | 'previous' | 'draining';
}

/** The addresses that one name of one upstream stands for. */
export class TrackedAddresses {
  readonly #clock: Clock;
  /** One that was draining is gone. */
  readonly #onGone: () => void;
  readonly #addresses = new Map<string, TrackedAddress>();
  readonly #drains = new Map<string, Timer>();

  constructor(clock: Clock, onGone: () => void) {
    this.#clock = clock;
    this.#onGone = onGone;
  }

  /** Those that the name leads to first, in their order. */
  get all(): readonly TrackedAddress[] {
    return [...this.#addresses.values()].toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  }

  /** The name leads to these now, all of which may be connected to; of those it led to before, `may` says it. */
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
   * Lets go of those that are kept, where that costs nothing: another one is ready, or they are not themselves. Returns
   * whether any was let go.
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
