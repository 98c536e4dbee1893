import type { Clock, Instant } from './time.ts';

/**
 * Counters with a maximum that all serving workers share, so that a limit holds for the whole process. Each worker has its own
 * view of a semaphore. When a worker ends, the permits that it held become free again.
 */

/** Where the semaphores of one endpoint lie. The generation grows when the main thread gives the same cells to another endpoint. */
export interface SemaphoreHandle {
  readonly index: number;
  readonly generation: number;
}

/** Permits of which all workers together hold at most `max`, such as the connections to one endpoint. */
export interface Semaphore {
  /**
   * Acquires one of `max` permits. False if none is free, or if a request in another worker has waited longer than one that
   * came at `since` by more than `orderToleranceMs`. Also false if another worker holds the lock for longer than `waitMsMax`;
   * this thread is blocked for that time.
   */
  tryAcquire(max: number, since: Instant, waitMsMax?: number): boolean;
  /**
   * Releases a permit. The request that has waited longest gets it, in this worker or in another one. If another worker holds
   * the lock for longer than `waitMsMax`, the permit is released a few milliseconds later.
   */
  release(max: number, waitMsMax?: number): void;
  /**
   * Publishes since when the oldest waiter of this worker waits; null if none waits. Asks the worker with most idle
   * connections to close one. True if a permit has become free: `tryAcquire` gets it.
   */
  reportOldestWaiter(since: Instant | null, max: number): boolean;
  /** How many permits all workers hold at this moment. */
  readonly total: number;
  /** Whether one of `max` permits is free at this moment. It may be gone when it is asked for. */
  hasRoom(max: number): boolean;
  /** How many of this worker's permits are held by idle connections. */
  setIdleCount(count: number): void;
  /** How many of the permits of all workers are held by idle connections. */
  readonly idleTotal: number;
  /** Whether a request waits in any worker. One atomic load, since the pool asks for each connection that becomes idle. */
  readonly hasWaiters: boolean;
  /** Whether a request in another worker has waited longer than one that came at `since`, by more than `orderToleranceMs`. */
  mustGoToOtherWorker(since: Instant): boolean;
  /** Retires this view: it is deleted once all its permits are released. */
  close(): void;
}

/** How many requests have got what they waited for in a queue, in all workers. It wraps. */
export interface TurnCounter {
  readonly count: number;
  increment(): void;
}

/** When an endpoint last refused a connection, as all workers and the health checks know it together. */
export interface ConnectGate {
  /**
   * Milliseconds since the last refusal, while the gate is closed; null if the caller may connect. After `backoffMs` one
   * caller in all workers may connect, and the gate stays closed for the others until the result of that attempt is known.
   */
  msSinceRefusal(now: Instant, backoffMs: number): number | null;
  /** Whether the last attempt was refused less than `backoffMs` ago. One atomic load if it was not. */
  isClosed(clock: Clock, backoffMs: number): boolean;
  /** An attempt was refused just now. */
  noteRefusal(now: Instant): void;
  /** A connection was made. */
  noteAccepted(): void;
  /** A connection failed for another reason than a refusal. */
  reopen(): void;
  /** Whether a connection was ever made. */
  readonly hasAccepted: boolean;
}

/** Whether clients of several addresses use an endpoint, as all workers know it together. */
export interface AddressesSeen {
  /** So many workers may use the endpoint. */
  readonly workers: number;
  /** A request of an address has come at that time; `hash` is that of the address. */
  note(hash: number, at: Instant): void;
  /** Whether requests of at least two addresses have come within `addressesSeenMs`. */
  areSeveral(now: Instant): boolean;
}

/** For so long an endpoint is known to be used by several addresses: a quiet site has a visitor in ten minutes. */
export const addressesSeenMs = 600_000;

/** The semaphores of one endpoint. */
export interface EndpointSemaphores {
  /** Connections, including idle ones and those that are being opened, without those that count as `longLived`. */
  readonly connections: Semaphore;
  /** Connections with a tunnel, or with a response that is a stream. */
  readonly longLived: Semaphore;
  readonly addresses: AddressesSeen;
  /** Requests in flight, where they are bounded. */
  readonly requests: Semaphore;
  /** Requests that wait for a connection. */
  readonly waitingRequests: Semaphore;
  readonly turns: TurnCounter;
  /** The one request at a time that an endpoint in probation gets. */
  readonly probation: Semaphore;
  readonly connectGate: ConnectGate;
}

/** The semaphores of one bound of requests in flight: of a route or an upstream. */
export interface BoundSemaphores {
  /** Requests in flight. */
  readonly requests: Semaphore;
  /** Requests that wait for their turn. */
  readonly waitingRequests: Semaphore;
  readonly turns: TurnCounter;
  /** Where the bound adapts: what all workers know of it. */
  readonly limit: { limit: number; probedAt: number };
}

/** The shared counts of bounds, as the main thread manages them. */
export interface BoundCounters {
  /** How many bounds can be counted at a time. */
  readonly boundsMax: number;
  /** The cells of a bound, as for endpoints. */
  allocateBound(key: string): SemaphoreHandle | null;
  keepOnlyBounds(keys: ReadonlySet<string>): void;
}

/** The shared counts of endpoints, as the main thread manages them. */
export interface EndpointCounters {
  /** How many endpoints can be counted at a time. */
  readonly endpointsMax: number;
  /** The cells of an endpoint. The same key gets the same cells while it is kept; null: all cells are in use. */
  allocate(key: string): SemaphoreHandle | null;
  /** Frees the cells of all other endpoints, once their permits are released. */
  keepOnly(keys: ReadonlySet<string>): void;
  /** Records the result of a health check; `refused`: nothing listened at the endpoint. */
  noteChecked(key: string, refused: boolean): void;
}

/** Gives a worker its view of an endpoint's semaphores. */
export interface SemaphoreSource {
  /** Calls `onAvailable` when a permit may be free for a waiter of this worker, or when another worker needs an idle connection closed. */
  endpoint(handle: SemaphoreHandle, onAvailable: () => void): EndpointSemaphores;
  /** Calls `onAvailable` when a request of this worker may get its turn. */
  bound(handle: SemaphoreHandle, onAvailable: () => void): BoundSemaphores;
  /** One of those for the threads of Node's pool, by its number (`pool-classes.ts`). */
  pool(index: number, onAvailable: () => void): Semaphore;
}

/**
 * Client connections by address. `key` names an address, or a block of addresses, in at most 48 Latin-1 characters.
 * `table_full`: more addresses are connected at once than the table has entries for. `busy`: the thread that holds the lock
 * was not scheduled for longer than `waitMsMax`, or has ended. Nothing has changed; try again.
 */
export interface AddressSemaphores {
  tryAcquire(key: string, max: number, waitMsMax?: number): 'acquired' | 'over_limit' | 'table_full' | 'busy';
  release(key: string): void;
}

/** A waiter of another worker is served before one of this worker if it came earlier by more than this. */
export const orderToleranceMs = 20;
