import type { AddressPlaces, EndpointPlaces, Places, PlaceSource, SlotHandle } from '../core/places.ts';
import type { Clock } from '../core/time.ts';

/** What workers share; structured-cloneable, to be given to each at its birth. */
export interface SharedMemory {
  readonly seatsMax: number;
  readonly endpointsMax: number;
  readonly addressesMax: number;
  readonly places: SharedArrayBuffer;
  readonly addresses: SharedArrayBuffer;
}

export interface SharedSizes {
  /** Workers at once, those included that are about to end. */
  readonly seatsMax: number;
  readonly endpointsMax: number;
  /** Client addresses that are connected at once. */
  readonly addressesMax: number;
}

/** Main's end: hands out seats and slots, and clears up after workers that are lost. */
export interface SharedCounts {
  readonly memory: SharedMemory;
  /** A seat for a worker that is about to start; null: all are taken. */
  takeSeat(): number | null;
  /** The worker with this seat is gone, and its thread has ended: what it held is the others' again. */
  forget(seat: number): void;
  /** The cells of an endpoint, the same for the same key for as long as it is kept; null: the table is full. */
  allot(key: string): SlotHandle | null;
  /** Endpoints that are still of use; what others have is allotted anew when nobody holds a place there any more. */
  keepOnly(keys: ReadonlySet<string>): void;
  /** Client connections in all workers. */
  readonly clientConnections: number;
}

/** A worker's end. */
export interface SharedSeat extends PlaceSource {
  readonly seat: number;
  endpoint(slot: SlotHandle, called: () => void): EndpointPlaces;
  readonly clientConnections: Places;
  readonly clientAddresses: AddressPlaces;
  /** Hears from now on when another worker calls. */
  listen(): void;
}

export function createSharedCounts(sizes: SharedSizes, clock: Clock): SharedCounts {
  void sizes;
  void clock;
  throw new Error('not yet');
}

export function sharedSeat(memory: SharedMemory, seat: number): SharedSeat {
  void memory;
  void seat;
  throw new Error('not yet');
}
