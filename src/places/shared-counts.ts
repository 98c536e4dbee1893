import type { SlotHandle } from '../core/places.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock } from '../core/time.ts';
import { AddressCounts, AddressLayout } from './address-counts.ts';
import { PlaceLayout } from './layout.ts';
import { noSeat, PlaceTable } from './place-table.ts';
import { SharedWords } from './shared-words.ts';

/** What workers share; structured-cloneable, to be given to each at its birth. */
export interface SharedMemory extends SharedSizes {
  readonly places: SharedArrayBuffer;
  readonly addresses: SharedArrayBuffer;
}

export interface SharedSizes {
  /** Workers at once, those included that are about to end. */
  readonly seatsMax: number;
  /** Endpoints at once, those included that drain. */
  readonly endpointsMax: number;
  /** Entries for client addresses that are connected at once; when a third are used, the first may find none. */
  readonly addressesMax: number;
}

/** Memory that nobody has used is none: these take 14 MiB of addresses, and 2 MiB of memory for two workers. */
export const sharedSizes: SharedSizes = { seatsMax: 64, endpointsMax: 2048, addressesMax: 32_768 };

/** The slot of the client connections in all workers. */
export const clientSlot = 0;

/** Of an endpoint: connections, the queue for them, the trial. */
const slotsPerEndpoint = 3;

/** How soon a slot that was locked is cleared up. */
const retryMs = 5;

export interface EndpointCounts {
  /** Idle ones included, and those that are being opened. */
  readonly connections: number;
  /** Requests in line for one. */
  readonly waiting: number;
}

interface Allotment {
  readonly index: number;
  key: string | null;
  generation: number;
}

/**
 * Main's end of what workers count: hands out seats and slots, and clears up after workers that have ended. Main holds no
 * place itself, and waits for nobody for long: for a slot that is locked it naps one millisecond at most, and then looks at
 * it again later.
 */
export class SharedCounts {
  readonly memory: SharedMemory;
  readonly #clock: Clock;
  readonly #words: SharedWords;
  readonly #layout: PlaceLayout;
  readonly #table: PlaceTable;
  readonly #addresses: AddressCounts;
  readonly #seats = new Set<number>();
  /** Seats whose worker has ended, and of which something could not be cleared up yet. */
  readonly #leaving = new Set<number>();
  readonly #allotments: Allotment[] = [];
  readonly #byKey = new Map<string, Allotment>();

  constructor(sizes: SharedSizes, clock: Clock, random: Random, wordsOf = wordsIn) {
    this.#clock = clock;
    this.#layout = layoutOf(sizes);
    const addresses = new AddressLayout(sizes.seatsMax, sizes.addressesMax);
    const octets = Int32Array.BYTES_PER_ELEMENT;
    this.memory = {
      ...sizes,
      places: new SharedArrayBuffer(this.#layout.words * octets),
      addresses: new SharedArrayBuffer(addresses.words * octets),
    };
    this.#words = wordsOf(this.memory.places);
    this.#table = new PlaceTable(this.#words, this.#layout, noSeat);
    const addressWords = wordsOf(this.memory.addresses);
    addressWords.store(addresses.seed, Math.floor(random.next() * 2 ** 32) | 0);
    this.#addresses = new AddressCounts(addressWords, addresses, noSeat);
  }

  /** A seat for a worker that is about to start; null: all are taken. */
  takeSeat(): number | null {
    for (let seat = 0; seat < this.memory.seatsMax; seat++) {
      if (this.#seats.has(seat)) continue;
      this.#seats.add(seat);
      const end = Math.max(seat + 1, this.#table.seatsEnd);
      this.#words.store(this.#layout.seatsEnd, end);
      return seat;
    }
    return null;
  }

  /** The worker with this seat is gone, and its thread has ended: what it held is the others' again. */
  forget(seat: number): void {
    this.#leaving.add(seat);
    this.#clearUp();
  }

  #clearUp(): void {
    for (const seat of this.#leaving) {
      let whole = this.#addresses.forget(seat);
      const slotsEnd = 1 + this.#allotments.length * slotsPerEndpoint;
      for (let slot = 0; slot < slotsEnd; slot++) whole = this.#table.forget(seat, slot) && whole;
      if (!whole) continue;
      this.#leaving.delete(seat);
      this.#seats.delete(seat);
    }
    // Places have come free, and one that was handed on may not have been told of.
    this.#table.ringAll();
    if (this.#leaving.size > 0) this.#clock.schedule(after(this.#clock.now(), retryMs), clearUpAgain, this);
  }

  /** For its own timer alone. */
  clearUpAgain(): void {
    this.#clearUp();
  }

  /** The cells of an endpoint, the same for the same key for as long as it is kept; null: the table is full. */
  allot(key: string): SlotHandle | null {
    const known = this.#byKey.get(key);
    if (known !== undefined) return handleOf(known);
    const free = this.#newAllotment() ?? this.#freeAllotment();
    if (free === null) return null;
    if (free.key !== null) this.#byKey.delete(free.key);
    free.key = key;
    this.#byKey.set(key, free);
    this.#kept.add(key);
    return handleOf(free);
  }

  #newAllotment(): Allotment | null {
    if (this.#allotments.length >= this.memory.endpointsMax) return null;
    const index = 1 + this.#allotments.length * slotsPerEndpoint;
    const allotment: Allotment = { index, key: null, generation: 0 };
    this.#allotments.push(allotment);
    return allotment;
  }

  /** One that nobody wants any more, and where nobody holds a place. */
  #freeAllotment(): Allotment | null {
    return this.#allotments.find((one) => one.key !== null && !this.#kept.has(one.key) && this.#renew(one)) ?? null;
  }

  #renew(allotment: Allotment): boolean {
    const { index } = allotment;
    allotment.generation += 1;
    const slots = [index, index + 1, index + 2];
    return slots.every((slot) => this.#table.renew(slot, allotment.generation));
  }

  #kept = new Set<string>();

  /** Endpoints that are still of use; what others have is allotted anew when nobody holds a place there any more. */
  keepOnly(keys: ReadonlySet<string>): void {
    this.#kept = new Set(keys);
  }

  /** Client connections of the worker at `seat`, at this moment. */
  clientConnectionsAt(seat: number): number {
    return this.#words.load(this.#layout.held(seat, clientSlot));
  }

  /** Client connections in all workers. */
  get clientConnections(): number {
    return this.#table.total(clientSlot);
  }

  /** Tells all workers what a check met at the endpoint with this key. */
  noteChecked(key: string, refused: boolean): void {
    const allotment = this.#byKey.get(key);
    if (allotment === undefined) return;
    const gate = this.#table.gate(allotment.index);
    if (refused) gate.refused(this.#clock.now());
    else gate.accepted();
  }

  /** What all workers together have at an endpoint. */
  countsAt({ index }: SlotHandle): EndpointCounts {
    return { connections: this.#table.total(index), waiting: this.#table.total(index + 1) };
  }
}

export function layoutOf({ seatsMax, endpointsMax }: SharedSizes): PlaceLayout {
  return new PlaceLayout({ seatsMax, slotsMax: 1 + endpointsMax * slotsPerEndpoint });
}

function handleOf({ index, generation }: Allotment): SlotHandle {
  return { index, generation };
}

function wordsIn(memory: SharedArrayBuffer): SharedWords {
  return new SharedWords(memory);
}

function clearUpAgain(counts: SharedCounts): void {
  counts.clearUpAgain();
}
