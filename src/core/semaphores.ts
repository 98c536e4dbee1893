import type { Clock, Instant } from './time.ts';

/**
 * What several serving workers count together, so that a limit holds for all of them. Each worker has one end of it, and
 * what a worker held that is lost comes back to the others.
 */

/** Where the counts of one endpoint lie. The generation grows when main gives the same cells to another endpoint. */
export interface SemaphoreHandle {
  readonly index: number;
  readonly generation: number;
}

/** Places of which all workers together may hold so many and no more, such as the connections to one endpoint. */
export interface Semaphore {
  /**
   * Takes one of `max`; false where there is none, or where somebody in another worker has waited for one for notably longer
   * than whoever came at `since`. Also false where another worker counts for longer than `waitMsMax`, during which this
   * thread does nothing else.
   */
  tryAcquire(max: number, since: Instant, waitMsMax?: number): boolean;
  /**
   * Gives back one of those taken; where somebody waits for it, it is theirs, here or in another worker. Where another worker
   * counts for longer than `waitMsMax`, it is given back a little later.
   */
  release(max: number, waitMsMax?: number): void;
  /**
   * Since when the one who has waited longest in this worker waits; null: nobody does. Asks workers that hold idle
   * connections to give one up. True where there is a place by now: `tryTake` gets it.
   */
  reportOldestWaiter(since: Instant | null, max: number): boolean;
  /** Whether there is one of `max` at this moment; perhaps no longer when it is asked for. */
  hasRoom(max: number): boolean;
  /** How many of those that this worker has taken are held by idle connections. */
  setIdle(count: number): void;
  /** Whether somebody waits, in any worker. One load: for each connection that comes back. */
  readonly hasWaiters: boolean;
  /** Whether somebody in another worker has waited notably longer than whoever came at `since`. */
  isDueToOtherWorker(since: Instant): boolean;
  /** Not used from here any more, as soon as all that was taken is given back. */
  close(): void;
}

/** When an endpoint last refused a connection, as all workers and the health checks know it together. */
export interface ConnectGate {
  /**
   * Milliseconds since the last refusal where no connection is to be tried now; null: the caller may try one. When `quietMs`
   * have gone by, one caller of all workers may, and the gate stays closed to the others until it knows what came of it.
   */
  closedForMs(now: Instant, backoffMs: number): number | null;
  /** Whether the last attempt was refused, less than `quietMs` ago. One load where it was not. */
  isClosed(clock: Clock, backoffMs: number): boolean;
  /** An attempt was refused just now. */
  refused(now: Instant): void;
  /** A connection was made. */
  accepted(): void;
}

/** What is counted of one endpoint. */
export interface EndpointSemaphores {
  /** Connections, the idle ones and those that are being opened included. */
  readonly connections: Semaphore;
  /** Exchanges that wait for a connection. */
  readonly queue: Semaphore;
  /** The one request at a time that an endpoint on trial gets. */
  readonly probation: Semaphore;
  readonly gate: ConnectGate;
}

/** Where a worker finds its end of what is counted. */
export interface SemaphoreSource {
  /** Calls `called` when a place may have come free for who waits here, or an idle connection is wanted elsewhere. */
  endpoint(handle: SemaphoreHandle, onAvailable: () => void): EndpointSemaphores;
}

/**
 * Client connections by address. `key` names an address, or a block of them, in at most 48 Latin-1 characters.
 * `table_full`: more addresses are connected at once than the table has entries for. `locked`: whoever counts there has been
 * put aside by the system for longer than `waitMsMax`, or has ended; nothing has changed.
 */
export interface AddressSemaphores {
  tryAcquire(key: string, max: number, waitMsMax?: number): 'acquired' | 'over_limit' | 'table_full' | 'busy';
  release(key: string): void;
}

/** How much earlier than one of our own somebody in another worker must have come, to be served first. */
export const orderToleranceMs = 20;
