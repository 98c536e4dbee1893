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

type Waiting = Map<string, Check[]>;

interface WaitingAddress {
  readonly of: Waiting;
  readonly from: string;
  readonly checks: Check[];
}

function longestIn(...all: readonly Waiting[]): WaitingAddress | null {
  let longest: WaitingAddress | null = null;
  for (const of of all)
    for (const [from, checks] of of) if (checks.length > (longest?.checks.length ?? 0)) longest = { of, from, checks };
  return longest;
}

/** Of which addresses is remembered that somebody has logged in from there. */
const seenMax = 4096;

/** How many checks may wait in a worker; one takes some hundredths of a second. */
export const waitingMax = 32;

/**
 * Checks of passwords, of which one runs at a time in all workers together (`core/pool-classes.ts`): somebody who tries passwords gets one core at
 * most. Addresses take turns, so that a client that sends hundreds each second makes others wait for one check of its own, and not for all. When
 * the queue is full, the address that waits for most makes room. An address from which somebody has logged in before gets every second turn, and a new
 * one makes room for it: so users get in while passwords are tried from thousands of addresses.
 */
export class CheckQueue {
  readonly #pool: PoolQueue;
  readonly #clock: Clock;
  /** By address, in the order of their turns: of those from which somebody has logged in, and of others. */
  readonly #known: Waiting = new Map();
  readonly #others: Waiting = new Map();
  /** Addresses from which somebody has logged in, the latest last. */
  readonly #seen = new Set<string>();
  #count = 0;
  #isAsking = false;
  #isTurnOfKnown = true;
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
    const waiting = this.#seen.has(from) ? this.#known : this.#others;
    if (this.#count >= waitingMax && !this.#makeRoom(waiting, from)) return check.onDone('busy');
    waiting.set(from, [...(waiting.get(from) ?? []), check]);
    this.#count++;
    this.#ask();
  }

  /** Nobody waits for it any more. False: it runs already. */
  cancel(check: Check): boolean {
    const from = addressKey(check.address, 64);
    for (const waiting of [this.#known, this.#others]) {
      const checks = waiting.get(from) ?? [];
      const rest = checks.filter((one) => one !== check);
      if (rest.length === checks.length) continue;
      this.#count--;
      if (rest.length === 0) waiting.delete(from);
      else waiting.set(from, rest);
      return true;
    }
    return false;
  }

  /** The address that waits for most loses its last check, if `from` has fewer by two; else a new address does, if `from` is known and has none. */
  #makeRoom(waiting: Waiting, from: string): boolean {
    const own = waiting.get(from)?.length ?? 0;
    const longest = longestIn(this.#known, this.#others);
    if (longest !== null && longest.checks.length > own + 1) return this.#drop(longest);
    const newest = waiting === this.#known && own === 0 ? longestIn(this.#others) : null;
    return newest !== null && this.#drop(newest);
  }

  #drop({ of, from, checks }: WaitingAddress): true {
    const last = checks.pop();
    if (checks.length === 0) of.delete(from);
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
    // Every second turn, so that somebody with an account keeps nobody out.
    const isKnownFirst = this.#others.size === 0 || this.#isTurnOfKnown;
    const waiting = this.#known.size > 0 && isKnownFirst ? this.#known : this.#others;
    this.#isTurnOfKnown = waiting === this.#others;
    for (const [from, checks] of waiting) {
      const check = checks.shift() ?? null;
      waiting.delete(from);
      if (checks.length > 0) waiting.set(from, checks);
      if (check !== null) this.#count--;
      return check;
    }
    return null;
  }

  #remember(address: string): void {
    const from = addressKey(address, 64);
    this.#seen.delete(from);
    this.#seen.add(from);
    if (this.#seen.size > seenMax) for (const oldest of this.#seen) return void this.#seen.delete(oldest);
  }

  async #runNext(): Promise<void> {
    const check = this.#take();
    const began = this.#clock.now();
    const result = check === null ? null : await check.run().catch(() => 'broken' as const);
    if (check !== null) this.#checkMs += (this.#clock.now() - began - this.#checkMs) / 8;
    if (check !== null && result === true) this.#remember(check.address);
    this.#isAsking = false;
    this.#pool.leave();
    if (check !== null && result !== null) check.onDone(result);
    this.#ask();
  }
}
