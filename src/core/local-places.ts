import type { EndpointPlaces, Places, PlaceSource } from './places.ts';

/** Places that one worker counts for itself: where there is no other, and in tests. */
export class LocalPlaces implements Places {
  #taken = 0;
  #waits = false;

  get taken(): number {
    return this.#taken;
  }

  get isWanted(): boolean {
    return this.#waits;
  }

  hasRoom(max: number): boolean {
    return this.#taken < max;
  }

  tryTake(max: number): boolean {
    if (this.#taken >= max) return false;
    this.#taken++;
    return true;
  }

  giveBack(): void {
    this.#taken--;
  }

  waiting(since: number | null): boolean {
    this.#waits = since !== null;
    return false;
  }

  idle(): void {}

  isDueElsewhere(): boolean {
    return false;
  }

  close(): void {}
}

export function localEndpointPlaces(): EndpointPlaces {
  return { connections: new LocalPlaces(), queue: new LocalPlaces(), trial: new LocalPlaces() };
}

export const localPlaceSource: PlaceSource = { endpoint: localEndpointPlaces };
