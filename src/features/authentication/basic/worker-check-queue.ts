import { addressKey } from '../../../policy/ip-address.ts';
import type { PoolQueue } from '../../../core/pool-classes.ts';
import type { Clock } from '../../../core/time.ts';

/** What a request that waits for the check of its password is told: whether the password is right; null: too many wait. */
export type OnChecked = (isRight: boolean | 'busy' | 'broken') => void;

/** A password that is checked for one or more requests with the same credentials. */
export interface Check {
  readonly address: string;
  readonly run: () => Promise<boolean>;
  readonly onDone: OnChecked;
}

/** How many checks may wait in a worker; one takes some hundredths of a second. */
export const waitingMax = 32;

/**
 * Checks of passwords, of which one runs at a time in all workers together (`core/pool-classes.ts`): somebody who tries passwords gets one core at
 * most. Addresses take turns, so that a client that sends hundreds each second makes others wait for one check of its own, and not for all. When
 * the queue is full, the address that waits for most makes room.
 */
export class CheckQueue {
  readonly #pool: PoolQueue;
  readonly #clock: Clock;
  /** By address, in the order of their turns. */
  readonly #waiting = new Map<string, Check[]>();
  #count = 0;
  #isAsking = false;
  /** How long a check takes, as a moving average. */
  #checkMs = 50;

  constructor(pool: PoolQueue, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#count;
  }

  /** In how many seconds as many have been checked as wait now. */
  get retryAfterS(): number {
    return Math.max(1, Math.ceil((this.#count * this.#checkMs) / 1000));
  }

  add(check: Check): void {
    const from = addressKey(check.address, 64);
    const own = this.#waiting.get(from) ?? [];
    if (this.#count >= waitingMax && !this.#makeRoom(own.length)) return check.onDone('busy');
    this.#waiting.set(from, [...(this.#waiting.get(from) ?? []), check]);
    this.#count++;
    this.#ask();
  }

  /** Nobody waits for it any more. False: it runs already. */
  cancel(check: Check): boolean {
    for (const [from, checks] of this.#waiting) {
      const rest = checks.filter((one) => one !== check);
      if (rest.length === checks.length) continue;
      this.#count--;
      if (rest.length === 0) this.#waiting.delete(from);
      else this.#waiting.set(from, rest);
      return true;
    }
    return false;
  }

  /** The address that waits for most checks loses the last one, if an address with `own` has fewer by more than one. */
  #makeRoom(own: number): boolean {
    let most: readonly [from: string, checks: Check[]] | null = null;
    for (const one of this.#waiting) if (one[1].length > (most?.[1].length ?? 0)) most = one;
    if (most === null || most[1].length <= own + 1) return false;
    const last = most[1].pop();
    this.#count--;
    last?.onDone('busy');
    return true;
  }

  #ask(): void {
    if (this.#isAsking || this.#count === 0) return;
    this.#isAsking = true;
    if (this.#pool.tryEnter()) void this.#runNext();
    else this.#pool.wait({ onPermit: () => void this.#runNext() });
  }

  #take(): Check | null {
    for (const [from, checks] of this.#waiting) {
      const check = checks.shift() ?? null;
      this.#waiting.delete(from);
      if (checks.length > 0) this.#waiting.set(from, checks);
      if (check !== null) this.#count--;
      return check;
    }
    return null;
  }

  async #runNext(): Promise<void> {
    const check = this.#take();
    const began = this.#clock.now();
    const result = check === null ? null : await check.run().catch(() => 'broken' as const);
    if (check !== null) this.#checkMs += (this.#clock.now() - began - this.#checkMs) / 8;
    this.#isAsking = false;
    this.#pool.leave();
    if (check !== null && result !== null) check.onDone(result);
    this.#ask();
  }
}
