/** How many workers, and how many things that they count, a piece of shared memory has room for. */
export interface TableSize {
  readonly seatsMax: number;
  readonly slotsMax: number;
}

const headWords = 4;
const slotWords = 5;
const cellWords = 3;
const bellWords = 4;

/**
 * Where each word of the table of places lies. What many write stands with the slot; what one worker writes stands with that
 * worker, so that seats that nobody has cost no memory.
 *
 *     head │ slot: lock, generation, total, wanted, refused │ … │ seat: bell, everything, rung bits, cells │ …
 *                                                            cell: held, since, idle
 */
export class PlaceLayout {
  readonly seatsMax: number;
  readonly slotsMax: number;
  readonly words: number;
  readonly rungWords: number;
  readonly #seats: number;
  readonly #seatWords: number;

  constructor({ seatsMax, slotsMax }: TableSize) {
    this.seatsMax = seatsMax;
    this.slotsMax = slotsMax;
    this.rungWords = Math.ceil(slotsMax / 32);
    this.#seats = headWords + slotsMax * slotWords;
    this.#seatWords = bellWords + this.rungWords + slotsMax * cellWords;
    this.words = this.#seats + seatsMax * this.#seatWords;
  }

  /** One more than the highest seat that has ever been taken: nobody needs to look further. */
  readonly seatsEnd = 0;

  lock(slot: number): number {
    return headWords + slot * slotWords;
  }

  generation(slot: number): number {
    return headWords + slot * slotWords + 1;
  }

  /** Places taken in all workers: the sum of `held`. */
  total(slot: number): number {
    return headWords + slot * slotWords + 2;
  }

  /** In how many workers somebody waits: of how many `since` is set. */
  wanted(slot: number): number {
    return headWords + slot * slotWords + 3;
  }

  /** When a connection was last refused; 0: the last one was not. */
  refused(slot: number): number {
    return headWords + slot * slotWords + 4;
  }

  /** Changes when a seat is called. */
  bell(seat: number): number {
    return this.#seats + seat * this.#seatWords;
  }

  /** Set when a call is about every slot. */
  everything(seat: number): number {
    return this.bell(seat) + 1;
  }

  /** Bits of the slots that a call is about. */
  rung(seat: number, word: number): number {
    return this.bell(seat) + bellWords + word;
  }

  /** Places that a seat has taken, or that were handed to it. */
  held(seat: number, slot: number): number {
    return this.bell(seat) + bellWords + this.rungWords + slot * cellWords;
  }

  /** Since when somebody waits at a seat; 0: nobody. */
  since(seat: number, slot: number): number {
    return this.held(seat, slot) + 1;
  }

  /** How many of a seat's places are held by idle connections. */
  idle(seat: number, slot: number): number {
    return this.held(seat, slot) + 2;
  }
}
