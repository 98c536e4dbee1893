import type { AddressPlaces, EndpointPlaces, Places, PlaceSource, SlotHandle } from '../core/places.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { AddressCounts, AddressLayout, bucketEntries } from './address-counts.ts';
import { PlaceLayout } from './layout.ts';
import { PlaceTable } from './place-table.ts';
import { PlacesHere, type PlacesHome } from './places-here.ts';
import { clientSlot, layoutOf, type SharedMemory } from './shared-counts.ts';
import { SharedWords } from './shared-words.ts';

/** How soon what met a lock is tried again. */
const retryMs = 5;

/** A worker's end of what workers count together. */
export class SharedSeat implements PlaceSource, PlacesHome {
  readonly table: PlaceTable;
  readonly words: SharedWords;
  readonly clientConnections: Places;
  readonly clientAddresses: AddressPlaces;
  readonly #clock: Clock;
  readonly #bell: number;
  readonly #slots = new Map<number, PlacesHere>();
  readonly #retries = new Set<number>();

  constructor(memory: SharedMemory, seat: number, clock: Clock, wordsOf = wordsIn) {
    this.#clock = clock;
    warmUp();
    const layout = layoutOf(memory);
    this.words = wordsOf(memory.places);
    this.#bell = layout.bell(seat);
    this.table = new PlaceTable(this.words, layout, seat);
    const addresses = new AddressLayout(memory.seatsMax, memory.addressesMax);
    this.clientAddresses = new AddressCounts(wordsOf(memory.addresses), addresses, seat);
    this.clientConnections = this.#join(clientSlot, 0, doNothing);
  }

  endpoint({ index, generation }: SlotHandle, called: () => void): EndpointPlaces {
    return {
      connections: this.#join(index, generation, called),
      queue: this.#join(index + 1, generation, doNothing),
      trial: this.#join(index + 2, generation, doNothing),
      gate: this.table.gate(index),
    };
  }

  #join(slot: number, generation: number, called: () => void): Places {
    let here = this.#slots.get(slot);
    if (here === undefined || here.generation !== generation) {
      here = new PlacesHere(this, slot, generation);
      this.#slots.set(slot, here);
    }
    return here.join(called);
  }

  /** Hears from now on when another worker calls. Keeps nothing alive. */
  async listen(): Promise<never> {
    for (let heard = 0; ; ) {
      await this.words.change(this.#bell, heard);
      heard = this.words.load(this.#bell);
      this.answerCalls();
    }
  }

  answerCalls(): void {
    const calls = this.table.takeCalls();
    if (calls === 'everything') for (const here of [...this.#slots.values()]) here.called();
    else for (const slot of calls) this.#answer(slot);
  }

  #answer(slot: number): void {
    // What is handed to a seat where nobody uses the slot any more goes on to others.
    (this.#slots.get(slot) ?? new PlacesHere(this, slot, 0)).called();
  }

  retryLater(slot: number): void {
    this.#retries.add(slot);
    if (this.#retries.size === 1) this.#clock.schedule(after(this.#clock.now(), retryMs), retry, this as SharedSeat);
  }

  /** For its own timer alone. */
  retry(): void {
    const slots = [...this.#retries];
    this.#retries.clear();
    for (const slot of slots) this.#answer(slot);
  }

  unused(slot: number, end: PlacesHere): void {
    if (this.#slots.get(slot) === end) this.#slots.delete(slot);
  }
}

function retry(seat: SharedSeat): void {
  seat.retry();
}

/**
 * Has all that runs under a lock compiled before any of it does: a function that is compiled while its thread holds one holds it
 * a hundred times as long, and every worker begins at the same moment.
 */
function warmUp(): void {
  const layout = new PlaceLayout({ seatsMax: 1, slotsMax: 1 });
  const table = new PlaceTable(wordsIn(memoryFor(layout)), layout, 0);
  const addressLayout = new AddressLayout(1, bucketEntries);
  const addresses = new AddressCounts(wordsIn(memoryFor(addressLayout)), addressLayout, 0);
  const since = 0 as Instant;
  for (let round = 0; round < warmUpRounds; round++) {
    table.take(0, 0, 0, 1, since);
    table.setWaiting(0, 0, since, 1);
    table.give(0, 1, null);
    table.setWaiting(0, 0, null, 1);
    addresses.tryTake('::', 1);
    addresses.giveBack('::');
  }
}

const warmUpRounds = 50;

function memoryFor({ words }: { readonly words: number }): SharedArrayBuffer {
  return new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
}

function doNothing(): void {}

function wordsIn(memory: SharedArrayBuffer): SharedWords {
  return new SharedWords(memory);
}
