import type { Clock, Instant } from '../core/time.ts';

const hourMs = 3_600_000;

export interface OrderShareLimits {
  readonly atOnceMax: number;
  readonly perHourMax: number;
  readonly literalPerHourMax: number;
}

interface BegunOrder {
  readonly name: string;
  readonly at: Instant;
  /** Null: the list has the name literally. */
  readonly shares: readonly string[] | null;
}

/**
 * The orders on demand of the last hour, and whether another one may begin. A share (a client, a pattern, a domain) may have as many
 * orders as are still free for all others: alone it gets half of them, the next one half of the rest, and one that has none yet always
 * gets one while any is free.
 */
export class OrderShares {
  readonly #clock: Clock;
  readonly #limits: OrderShareLimits;
  readonly #isPending: (name: string) => boolean;
  #begun: readonly BegunOrder[] = [];

  constructor(clock: Clock, limits: OrderShareLimits, isPending: (name: string) => boolean) {
    this.#clock = clock;
    this.#limits = limits;
    this.#isPending = isPending;
  }

  /** Null: the order has begun. Otherwise why it may not, a clause. */
  tryToBegin(name: string, shares: readonly string[] | null): string | null {
    const now = this.#clock.now();
    this.#begun = this.#begun.filter(({ at }) => now - at < hourMs);
    const refusal = shares === null ? this.#refusalOfLiteral() : this.#refusal(shares);
    if (refusal === null) this.#begun = [...this.#begun, { name, at: now, shares }];
    return refusal;
  }

  #refusalOfLiteral(): string | null {
    const { literalPerHourMax, perHourMax } = this.#limits;
    const most = literalPerHourMax + perHourMax;
    return this.#begun.length < most ? null : `${most} names were ordered on demand within an hour, which is the most`;
  }

  #refusal(shares: readonly string[]): string | null {
    const { atOnceMax, perHourMax } = this.#limits;
    const others = this.#begun.filter((order) => order.shares !== null);
    const pending = others.filter(({ name }) => this.#isPending(name));
    if (others.length >= perHourMax)
      return `${perHourMax} names were ordered on demand within an hour, which is the most`;
    for (const share of shares) {
      const ofShare = others.filter((order) => order.shares?.includes(share));
      if (ofShare.length >= perHourMax - others.length)
        return `${ofShare.length} names were ordered for the ${share} within an hour, and the rest is left to others`;
      const pendingOfShare = pending.filter((order) => order.shares?.includes(share));
      if (pendingOfShare.length > 0 && pendingOfShare.length >= atOnceMax - pending.length)
        return `${pendingOfShare.length} names of the ${share} are being obtained, and the rest is left to others`;
    }
    return null;
  }
}
