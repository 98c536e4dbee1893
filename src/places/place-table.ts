import { orderToleranceMs } from '../core/places.ts';
import type { Instant } from '../core/time.ts';
import type { PlaceLayout } from './layout.ts';
import { SharedConnectGate } from './shared-connect-gate.ts';
import type { SharedWords } from './shared-words.ts';
import { instantWord, msBetween } from './instant-word.ts';
import { acquire, release } from './word-lock.ts';

/** Nobody. */
export const noSeat = -1;

/**
 * The places of all slots, as one thread sees them. What changes a slot runs under its lock, and leaves it so that the sum of
 * what each seat holds is the truth at every step: whoever clears up after a thread that ended in the middle takes its own
 * cells away, and makes the total that sum again. That is all the journal that is needed.
 *
 * Nobody waits for a lock for long (`word-lock.ts`). What could not be done is answered as such, and tried again.
 */
export class PlaceTable {
  readonly #words: SharedWords;
  readonly #layout: PlaceLayout;
  /** Main has `noSeat`: it holds no places. */
  readonly #seat: number;
  readonly #owner: number;

  constructor(words: SharedWords, layout: PlaceLayout, seat: number) {
    this.#words = words;
    this.#layout = layout;
    this.#seat = seat;
    this.#owner = seat === noSeat ? layout.seatsMax + 1 : seat + 1;
  }

  // A worker's.

  /** Whether one more place is this seat's, which knows of `held`: taken now, or handed to it before. */
  take(slot: number, generation: number, held: number, max: number, since: Instant, waitMsMax?: number): boolean {
    if (this.holds(slot) > held) return true;
    if (!this.#acquire(slot, waitMsMax)) return false;
    const taken =
      this.#isOf(slot, generation) && (this.holds(slot) > held || this.#takeFree(slot, max, instantWord(since)));
    this.#release(slot);
    return taken;
  }

  /** Places that this seat holds, those included that were handed to it and that it has not heard of. */
  holds(slot: number): number {
    return this.#words.load(this.#layout.held(this.#seat, slot));
  }

  /** A free place, unless others are due; they get theirs first. */
  #takeFree(slot: number, max: number, since: number): boolean {
    for (;;) {
      if (this.total(slot) >= max) return false;
      const due = this.#dueElsewhere(slot, since);
      const taker = due === noSeat ? this.#seat : due;
      this.#words.store(this.#layout.total(slot), this.total(slot) + 1);
      this.#addHeld(taker, slot, 1);
      if (due === noSeat) return true;
      this.#serve(due, slot);
    }
  }

  /**
   * Gives back a place that this seat holds. Where `since` is set, somebody waits here: the answer says whether it is to be
   * theirs. 'untold': nothing has changed.
   */
  give(slot: number, max: number, since: Instant | null, waitMsMax?: number): 'given' | 'kept' | 'untold' {
    if (!this.#acquire(slot, waitMsMax)) return 'untold';
    const next = this.total(slot) > max ? noSeat : this.#next(slot, since);
    const isKept = next === this.#seat && next !== noSeat;
    if (!isKept) {
      this.#addHeld(this.#seat, slot, -1);
      if (next === noSeat) this.#words.store(this.#layout.total(slot), this.total(slot) - 1);
      else {
        this.#addHeld(next, slot, 1);
        this.#serve(next, slot);
      }
    }
    this.#release(slot);
    return isKept ? 'kept' : 'given';
  }

  /** Whose a place is that comes free here. */
  #next(slot: number, since: Instant | null): number {
    if (since !== null) {
      const due = this.#dueElsewhere(slot, instantWord(since));
      return due === noSeat ? this.#seat : due;
    }
    return this.wanted(slot) === 0 ? noSeat : this.#oldestElsewhere(slot);
  }

  /**
   * Tells the others since when somebody waits here. 'may_try': there was a place, and it has been handed to this seat;
   * 'untold': nothing has changed.
   */
  setWaiting(slot: number, generation: number, since: Instant | null, max: number): 'waits' | 'may_try' | 'untold' {
    const waits = since === null ? 0 : instantWord(since);
    const mine = this.#layout.since(this.#seat, slot);
    if (this.#words.load(mine) === waits) return 'waits';
    if (!this.#acquire(slot)) return 'untold';
    const isFree = waits !== 0 && this.#isOf(slot, generation) && this.#takeFree(slot, max, waits);
    this.#setSince(mine, slot, isFree ? 0 : waits);
    if (waits !== 0 && !isFree) this.askForIdle(slot);
    this.#release(slot);
    return isFree ? 'may_try' : 'waits';
  }

  /** Where this seat says how many idle connections it has, and where it is said that somebody waits: for the fast path. */
  idleCell(slot: number): number {
    return this.#layout.idle(this.#seat, slot);
  }

  wantedCell(slot: number): number {
    return this.#layout.wanted(slot);
  }

  /** Whether somebody elsewhere has waited notably longer than whoever came at `since`. */
  isDueElsewhere(slot: number, since: Instant): boolean {
    return this.wanted(slot) > 0 && this.#dueElsewhere(slot, instantWord(since)) !== noSeat;
  }

  /** The gate of the endpoint whose connections are counted in `slot`. */
  gate(slot: number): SharedConnectGate {
    return new SharedConnectGate(this.#words, this.#layout.refused(slot));
  }

  total(slot: number): number {
    return this.#words.load(this.#layout.total(slot));
  }

  wanted(slot: number): number {
    return this.#words.load(this.#layout.wanted(slot));
  }

  #dueElsewhere(slot: number, since: number): number {
    if (this.wanted(slot) === 0) return noSeat;
    const oldest = this.#oldestElsewhere(slot);
    if (oldest === noSeat) return noSeat;
    const theirs = this.#words.load(this.#layout.since(oldest, slot));
    return msBetween(theirs, since) > orderToleranceMs ? oldest : noSeat;
  }

  #oldestElsewhere(slot: number): number {
    let oldest = noSeat;
    let oldestSince = 0;
    for (let seat = 0; seat < this.seatsEnd; seat++) {
      if (seat === this.#seat) continue;
      const since = this.#words.load(this.#layout.since(seat, slot));
      if (since === 0 || (oldest !== noSeat && msBetween(since, oldestSince) <= 0)) continue;
      oldest = seat;
      oldestSince = since;
    }
    return oldest;
  }

  /** Whoever else holds most idle connections is asked to give one up. */
  askForIdle(slot: number): void {
    let most = noSeat;
    let mostIdle = 0;
    for (let seat = 0; seat < this.seatsEnd; seat++) {
      if (seat === this.#seat) continue;
      const idle = this.#words.load(this.#layout.idle(seat, slot));
      if (idle <= mostIdle) continue;
      most = seat;
      mostIdle = idle;
    }
    if (most !== noSeat) this.ring(most, slot);
  }

  /** It has been handed a place, and says anew since when the next one waits there: one that hangs gets no second. */
  #serve(seat: number, slot: number): void {
    this.#setSince(this.#layout.since(seat, slot), slot, 0);
    this.ring(seat, slot);
  }

  #setSince(cell: number, slot: number, since: number): void {
    const was = this.#words.load(cell);
    this.#words.store(cell, since);
    const change = (since === 0 ? 0 : 1) - (was === 0 ? 0 : 1);
    if (change !== 0) this.#words.store(this.#layout.wanted(slot), this.wanted(slot) + change);
  }

  #addHeld(seat: number, slot: number, change: number): void {
    const cell = this.#layout.held(seat, slot);
    this.#words.store(cell, this.#words.load(cell) + change);
  }

  // Calls.

  /** Slots that this seat is called about since the last time. */
  takeCalls(): number[] | 'everything' {
    const layout = this.#layout;
    const all = this.#words.swap(layout.everything(this.#seat), 0) !== 0;
    const slots: number[] = [];
    for (let index = 0; index < layout.rungWords; index++) {
      const cell = layout.rung(this.#seat, index);
      if (this.#words.load(cell) === 0) continue;
      const bits = this.#words.swap(cell, 0);
      for (let bit = 0; bit < 32; bit++) if ((bits & (1 << bit)) !== 0) slots.push(index * 32 + bit);
    }
    return all ? 'everything' : slots;
  }

  get seatsEnd(): number {
    return this.#words.load(this.#layout.seatsEnd);
  }

  /** Wakes the worker at `seat`: something has changed at `slot`. */
  ring(seat: number, slot: number): void {
    this.#words.setBits(this.#layout.rung(seat, slot >> 5), 1 << (slot & 31));
    this.#words.bump(this.#layout.bell(seat));
  }

  /** Wakes everybody: anything may have changed. */
  ringAll(): void {
    for (let seat = 0; seat < this.seatsEnd; seat++) {
      this.#words.store(this.#layout.everything(seat), 1);
      this.#words.bump(this.#layout.bell(seat));
    }
  }

  // Main's.

  /** The next user of the slot counts from nothing. False while it is in use, or locked. */
  renew(slot: number, generation: number): boolean {
    if (!this.#acquire(slot, 1)) return false;
    const isFree = this.total(slot) === 0 && this.wanted(slot) === 0;
    if (isFree) {
      this.#words.store(this.#layout.generation(slot), generation);
      this.#words.store(this.#layout.refused(slot), 0);
    }
    this.#release(slot);
    return isFree;
  }

  /** Takes away what the thread at `seat` held, which has ended. False where another one holds the lock, and may have ended too. */
  forget(seat: number, slot: number): boolean {
    const endedHere = this.#words.load(this.#layout.lock(slot)) === seat + 1;
    if (!endedHere && !this.#hasTraces(seat, slot)) return true;
    if (!endedHere && !this.#acquire(slot, 1)) return false;
    this.#words.store(this.#layout.held(seat, slot), 0);
    this.#words.store(this.#layout.since(seat, slot), 0);
    this.#words.store(this.#layout.idle(seat, slot), 0);
    this.#sumUp(slot);
    this.#release(slot);
    return true;
  }

  #hasTraces(seat: number, slot: number): boolean {
    const layout = this.#layout;
    const cells = [layout.held(seat, slot), layout.since(seat, slot), layout.idle(seat, slot)];
    return cells.some((cell) => this.#words.load(cell) !== 0);
  }

  #sumUp(slot: number): void {
    let total = 0;
    let wanted = 0;
    for (let seat = 0; seat < this.seatsEnd; seat++) {
      total += this.#words.load(this.#layout.held(seat, slot));
      if (this.#words.load(this.#layout.since(seat, slot)) !== 0) wanted += 1;
    }
    this.#words.store(this.#layout.total(slot), total);
    this.#words.store(this.#layout.wanted(slot), wanted);
  }

  #isOf(slot: number, generation: number): boolean {
    return this.#words.load(this.#layout.generation(slot)) === generation;
  }

  #acquire(slot: number, waitMsMax?: number): boolean {
    return acquire(this.#words, this.#layout.lock(slot), this.#owner, waitMsMax);
  }

  #release(slot: number): void {
    release(this.#words, this.#layout.lock(slot));
  }
}
