import { assert } from '../core/assert.ts';
import type { Places } from '../core/places.ts';
import type { Instant } from '../core/time.ts';
import type { PlaceTable } from './place-table.ts';
import type { SharedWords } from './shared-words.ts';

/** What a slot's end needs of the worker's seat. */
export interface PlacesHome {
  readonly table: PlaceTable;
  readonly words: SharedWords;
  /** Something could not be done, since the slot was locked: `PlacesHere.called` is to be called a little later. */
  retryLater(slot: number): void;
  /** Nobody uses this end of the slot any more. */
  unused(slot: number, end: PlacesHere): void;
}

/**
 * One worker's end of one slot. What the table says this worker holds and `held` differ by the places that were handed to it
 * and that nobody here has taken yet, and by those whose giving back could not be told yet: either way a place to take, or to
 * pass on.
 *
 * An endpoint that goes and comes back is another object while the old one's connections end, so there may be several users.
 */
export class PlacesHere {
  readonly #home: PlacesHome;
  readonly #words: SharedWords;
  readonly #slot: number;
  readonly #idleCell: number;
  readonly #wantedCell: number;
  readonly generation: number;
  #users: PlacesUser[] = [];
  #held = 0;
  #idle = 0;

  constructor(home: PlacesHome, slot: number, generation: number) {
    this.#home = home;
    this.#words = home.words;
    this.#slot = slot;
    this.#idleCell = home.table.idleCell(slot);
    this.#wantedCell = home.table.wantedCell(slot);
    this.generation = generation;
  }

  join(called: () => void): PlacesUser {
    const user = new PlacesUser(this, called);
    this.#users.push(user);
    return user;
  }

  hasRoom(max: number): boolean {
    return this.#home.table.total(this.#slot) < max;
  }

  take(max: number, since: Instant, waitMsMax?: number): boolean {
    if (!this.#home.table.take(this.#slot, this.generation, this.#held, max, since, waitMsMax)) return false;
    this.#held++;
    return true;
  }

  giveBack(user: PlacesUser, max: number, waitMsMax?: number): void {
    assert(this.#held > 0, 'only a place that was taken is given back');
    this.#held--;
    const what = this.#home.table.give(this.#slot, max, this.#waitsSince(), waitMsMax);
    if (what === 'untold') this.#home.retryLater(this.#slot);
    // `user` looks by itself.
    if (what === 'kept') for (const other of this.#users) if (other !== user && other.since !== null) other.called();
  }

  /** True: there is a place. */
  tellWaiting(max: number): boolean {
    const what = this.#home.table.setWaiting(this.#slot, this.generation, this.#waitsSince(), max);
    if (what === 'untold') this.#home.retryLater(this.#slot);
    return what === 'may_try';
  }

  changeIdle(change: number): void {
    this.#idle += change;
    // One more must be seen before we look whether somebody wants it; that there is one less may be seen late.
    if (change > 0) this.#words.store(this.#idleCell, this.#idle);
    else this.#words.put(this.#idleCell, this.#idle);
  }

  get isWanted(): boolean {
    return this.#words.load(this.#wantedCell) > 0;
  }

  isDueElsewhere(since: Instant): boolean {
    return this.#home.table.isDueElsewhere(this.#slot, since);
  }

  /** A place may have come: whoever waits here takes it, and what nobody takes goes on to the others. */
  called(): void {
    for (const user of [...this.#users]) user.called();
    this.#passOn();
    // The idle connection that we were asked for may have found work meanwhile; another seat may have one.
    if (this.#idle === 0 && this.isWanted) this.#home.table.askForIdle(this.#slot);
  }

  #passOn(): void {
    const { table } = this.#home;
    while (table.holds(this.#slot) > this.#held && this.#waitsSince() === null) {
      if (table.give(this.#slot, Infinity, null) !== 'untold') continue;
      this.#home.retryLater(this.#slot);
      break;
    }
    if (this.#users.length === 0 && this.#held === 0) this.#home.unused(this.#slot, this);
  }

  leave(user: PlacesUser): void {
    this.#users = this.#users.filter((other) => other !== user);
    this.#passOn();
  }

  #waitsSince(): Instant | null {
    let oldest: Instant | null = null;
    for (const { since } of this.#users) if (since !== null && (oldest === null || since < oldest)) oldest = since;
    return oldest;
  }
}

/** One of those in a worker who use a slot; nearly always the only one. */
class PlacesUser implements Places {
  since: Instant | null = null;
  readonly called: () => void;
  readonly #here: PlacesHere;
  #idle = 0;
  #held = 0;
  #closed = false;

  constructor(here: PlacesHere, called: () => void) {
    this.#here = here;
    this.called = called;
  }

  tryTake(max: number, since: Instant, waitMsMax?: number): boolean {
    if (!this.#here.take(max, since, waitMsMax)) return false;
    this.#held++;
    return true;
  }

  hasRoom(max: number): boolean {
    return this.#here.hasRoom(max);
  }

  giveBack(max: number, waitMsMax?: number): void {
    this.#held--;
    this.#here.giveBack(this, max, waitMsMax);
    if (this.#closed && this.#held === 0) this.#here.leave(this);
  }

  waiting(since: Instant | null, max: number): boolean {
    if (since === null && this.since === null) return false;
    this.since = since;
    return this.#here.tellWaiting(max);
  }

  idle(count: number): void {
    this.#here.changeIdle(count - this.#idle);
    this.#idle = count;
  }

  get isWanted(): boolean {
    return this.#here.isWanted;
  }

  isDueElsewhere(since: Instant): boolean {
    return this.#here.isDueElsewhere(since);
  }

  close(): void {
    this.#closed = true;
    if (this.#held === 0) this.#here.leave(this);
  }
}
