import {
  type AddressesSeen,
  addressesSeenMs,
  type BoundSemaphores,
  type ConnectGate,
  type EndpointSemaphores,
  type Semaphore,
  type SemaphoreSource,
  type TurnCounter,
} from './semaphores.ts';
import type { Clock, Instant } from './time.ts';

/** A semaphore of one worker alone: used when there is no shared memory, and in tests. */
class LocalSemaphore implements Semaphore {
  #acquired = 0;
  #hasWaiters = false;
  idleTotal = 0;

  get total(): number {
    return this.#acquired;
  }

  get hasWaiters(): boolean {
    return this.#hasWaiters;
  }

  hasRoom(max: number): boolean {
    return this.#acquired < max;
  }

  tryAcquire(max: number): boolean {
    if (this.#acquired >= max) return false;
    this.#acquired++;
    return true;
  }

  release(): void {
    this.#acquired--;
  }

  reportOldestWaiter(since: number | null): boolean {
    this.#hasWaiters = since !== null;
    return false;
  }

  setIdleCount(count: number): void {
    this.idleTotal = count;
  }

  mustGoToOtherWorker(): boolean {
    return false;
  }

  close(): void {}
}

/** The turns of one worker alone. */
export class LocalTurnCounter implements TurnCounter {
  count = 0;

  increment(): void {
    this.count++;
  }
}

/** The addresses that one worker alone has seen. */
class LocalAddressesSeen implements AddressesSeen {
  readonly workers = 1;
  #last = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  #severalAt = Number.NEGATIVE_INFINITY;

  note(hash: number, at: Instant): void {
    if (this.#last !== hash) this.#severalAt = this.#lastAt;
    this.#last = hash;
    this.#lastAt = at;
  }

  areSeveral(now: Instant): boolean {
    return now - this.#severalAt < addressesSeenMs;
  }
}

/** A connect gate of one worker alone. */
class LocalConnectGate implements ConnectGate {
  #refusedAt: Instant | null = null;
  hasAccepted = false;

  isClosed(clock: Clock, backoffMs: number): boolean {
    return this.#refusedAt !== null && clock.now() - this.#refusedAt < backoffMs;
  }

  msSinceRefusal(now: Instant, backoffMs: number): number | null {
    if (this.#refusedAt === null) return null;
    const agoMs = now - this.#refusedAt;
    if (agoMs < backoffMs) return agoMs;
    this.#refusedAt = now;
    return null;
  }

  noteRefusal(now: Instant): void {
    this.#refusedAt = now;
  }

  noteAccepted(): void {
    this.hasAccepted = true;
    this.reopen();
  }

  reopen(): void {
    this.#refusedAt = null;
  }
}

export function localEndpointSemaphores(): EndpointSemaphores {
  const gate = new LocalConnectGate();
  return {
    connections: new LocalSemaphore(),
    longLived: new LocalSemaphore(),
    addresses: new LocalAddressesSeen(),
    requests: new LocalSemaphore(),
    waitingRequests: new LocalSemaphore(),
    turns: new LocalTurnCounter(),
    probation: new LocalSemaphore(),
    connectGate: gate,
  };
}

export function localBoundSemaphores(): BoundSemaphores {
  return {
    requests: new LocalSemaphore(),
    waitingRequests: new LocalSemaphore(),
    turns: new LocalTurnCounter(),
    limit: { limit: 0, probedAt: 0 },
  };
}

export const localSemaphoreSource: SemaphoreSource = {
  endpoint: localEndpointSemaphores,
  bound: localBoundSemaphores,
  pool: () => new LocalSemaphore(),
};
