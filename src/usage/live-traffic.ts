import type { Clock } from '../core/time.ts';
import { addAmounts, type Amounts, noAmounts, ownerKey, type UsageOwner } from './amounts.ts';

const partMs = 5000;
const parts = 12;

/** Rates are of the last ten seconds that are over, as people expect of a live table; durations of the last minute, since fewer say little. */
const rateParts = 2;

export interface TrafficNow {
  readonly owner: UsageOwner;
  readonly requestsPerS: number;
  readonly errorsPerS: number;
  readonly bytesOutPerS: number;
  /** Of the last minute. */
  readonly minute: Readonly<Amounts>;
}

/** The requests of the last minute, by application and release. */
export class LiveTraffic {
  readonly #clock: Clock;
  /** By number of the part of the minute, then by series. */
  readonly #parts = new Map<number, Map<string, { readonly owner: UsageOwner; readonly amounts: Amounts }>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(owner: UsageOwner, amounts: Readonly<Partial<Amounts>>): void {
    const number = this.#number;
    for (const old of this.#parts.keys()) if (old < number - parts) this.#parts.delete(old);
    const part = this.#parts.get(number) ?? new Map<string, { owner: UsageOwner; amounts: Amounts }>();
    this.#parts.set(number, part);
    const sum = part.get(ownerKey(owner)) ?? { owner, amounts: noAmounts() };
    part.set(ownerKey(owner), sum);
    addAmounts(sum.amounts, amounts);
  }

  get now(): readonly TrafficNow[] {
    const number = this.#number;
    const found = new Map<string, { owner: UsageOwner; minute: Amounts; recent: Amounts }>();
    for (const [at, part] of this.#parts) {
      if (at < number - parts) continue;
      for (const [key, { owner, amounts }] of part) {
        const sums = found.get(key) ?? { owner, minute: noAmounts(), recent: noAmounts() };
        found.set(key, sums);
        addAmounts(sums.minute, amounts);
        if (at < number && at >= number - rateParts) addAmounts(sums.recent, amounts);
      }
    }
    const seconds = (rateParts * partMs) / 1000;
    return [...found.values()].map(({ owner, minute, recent }) => ({
      ...{ owner, minute },
      requestsPerS: recent.requests / seconds,
      errorsPerS: recent.errors / seconds,
      bytesOutPerS: recent.bytesOut / seconds,
    }));
  }

  get #number(): number {
    return Math.floor(this.#clock.now() / partMs);
  }
}
