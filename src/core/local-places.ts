import type { ConnectGate, EndpointPlaces, Places, PlaceSource } from './places.ts';
import type { Clock, Instant } from './time.ts';

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

/** A gate that one worker has for itself. */
class LocalConnectGate implements ConnectGate {
  #refusedAt: Instant | null = null;

  isClosed(clock: Clock, quietMs: number): boolean {
    return this.#refusedAt !== null && clock.now() - this.#refusedAt < quietMs;
  }

  closedForMs(now: Instant, quietMs: number): number | null {
    if (this.#refusedAt === null) return null;
    const agoMs = now - this.#refusedAt;
    if (agoMs < quietMs) return agoMs;
    this.#refusedAt = now;
    return null;
  }

  refused(now: Instant): void {
    this.#refusedAt = now;
  }

  accepted(): void {
    this.#refusedAt = null;
  }
}

export function localEndpointPlaces(): EndpointPlaces {
  const gate = new LocalConnectGate();
  return { connections: new LocalPlaces(), queue: new LocalPlaces(), trial: new LocalPlaces(), gate };
}

export const localPlaceSource: PlaceSource = { endpoint: localEndpointPlaces };
