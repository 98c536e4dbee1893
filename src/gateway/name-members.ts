import { after, type Clock, type Timer } from '../core/time.ts';
import { drainMs } from '../core/drain.ts';
import type { Way } from '../policy/address-book.ts';

/**
 * An address that a name leads to, or led to:
 *
 *     current ──the name leads elsewhere──▶ kept ──another is ready──▶ draining ──drainMs──▶ gone
 *        ◀──────────────────it comes back──────┴──────────────────────────┘
 *
 * A kept one goes on as before: nothing is sent to an address that has not shown that it is ready while there is one
 * that has. One that may no longer be connected to drains at once, whatever becomes of the rest.
 */
export interface Member extends Way {
  readonly standing: 'current' | 'kept' | 'draining';
}

/** The addresses that one name of one upstream stands for. */
export class NameMembers {
  readonly #clock: Clock;
  /** One that was draining is gone. */
  readonly #onGone: () => void;
  readonly #members = new Map<string, Member>();
  readonly #drains = new Map<string, Timer>();

  constructor(clock: Clock, onGone: () => void) {
    this.#clock = clock;
    this.#onGone = onGone;
  }

  /** Those that the name leads to first, in their order. */
  get all(): readonly Member[] {
    return [...this.#members.values()].toSorted((a, b) => order.indexOf(a.standing) - order.indexOf(b.standing));
  }

  /** The name leads to these now, all of which may be connected to; of those it led to before, `may` says it. */
  update(ways: readonly Way[], may: (address: string) => boolean): void {
    for (const member of this.#members.values()) {
      const { address, otherWay, standing } = member;
      if (standing === 'draining' || ways.some((way) => way.address === address)) continue;
      const kept: Member = {
        address,
        otherWay: otherWay !== null && may(otherWay) ? otherWay : null,
        standing: 'kept',
      };
      if (may(address)) this.#members.set(address, kept);
      else this.#drain(kept);
    }
    for (const way of ways) {
      this.#drains.get(way.address)?.cancel();
      this.#drains.delete(way.address);
      this.#members.set(way.address, { ...way, standing: 'current' });
    }
  }

  /**
   * Lets go of those that are kept, where that costs nothing: another one is ready, or they are not themselves. Returns
   * whether any was let go.
   */
  release(isReady: (member: Member) => boolean): boolean {
    const members = [...this.#members.values()];
    const kept = members.filter(({ standing }) => standing === 'kept');
    if (kept.length === 0) return false;
    const current = members.filter(({ standing }) => standing === 'current');
    const replaced = current.some(isReady);
    const leaving = kept.filter((member) => replaced || (current.length > 0 && !isReady(member)));
    for (const member of leaving) this.#drain(member);
    return leaving.length > 0;
  }

  #drain(member: Member): void {
    const { address } = member;
    this.#members.set(address, { ...member, standing: 'draining' });
    const gone = (): void => {
      this.#drains.delete(address);
      this.#members.delete(address);
      this.#onGone();
    };
    this.#drains.set(address, this.#clock.schedule(after(this.#clock.now(), drainMs), gone, undefined));
  }

  stop(): void {
    for (const timer of this.#drains.values()) timer.cancel();
    this.#drains.clear();
  }
}

const order: readonly Member['standing'][] = ['current', 'kept', 'draining'];
