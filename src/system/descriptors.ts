import { readFileSync } from 'node:fs';
import type { Configuration } from '../core/configuration.ts';
import type { WorkerCounts } from '../core/counters.ts';

/**
 * How many files this process may open; null: not known. Node raises the soft limit to the hard one at start, so
 * the value read here applies.
 */
export function descriptorLimit(limits: string = readLimits()): number | null {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? null : Number(soft);
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return ''; // No such file outside of Linux.
  }
}

/** For the process itself: its log, its sockets, the pipes of applications, and short-lived files. */
const ownMost = 128;

/** For each thread; its event loop has 5. */
const perWorker = 8;

/** The number of workers that is assumed; another number makes little difference. */
const coresUsual = 16;

/**
 * How many descriptors a configuration may need at once: one for each client, and one for its connection to an
 * endpoint.
 */
export function descriptorsNeeded({ client, upstreams, workers }: Configuration): number {
  const toEndpoints = upstreams.reduce((sum, { endpoints, connectionsMax }) => {
    return sum + Math.max(1, endpoints.length) * connectionsMax;
  }, 0);
  const needed =
    client.connectionsMax +
    Math.min(client.connectionsMax, toEndpoints) +
    ownMost +
    perWorker * (workers.count ?? coresUsual);
  return needed + descriptorReserve(needed);
}

/**
 * Descriptors that clients' connections leave free: for connections to endpoints that requests in flight need, for
 * logs, checks and the control plane. An eighth of the limit; with a high limit no more than a burst needs.
 */
export function descriptorReserve(limit: number): number {
  return Math.min(512, Math.max(16, Math.floor(limit / 8)));
}

/**
 * Descriptors that connections to endpoints leave free too: for the admin API, which says why requests fail, and for what the
 * main thread writes and asks. A start has needed some thirty.
 */
const controlReserve = 8;

/**
 * How many long-lived connections an endpoint may have of `most`: a quarter of all descriptors, since each of its clients holds another one, and
 * one client may have many of them on one connection.
 */
export function longLivedWithin(most: number, limit: number | null = descriptorLimit()): number {
  return limit === null ? most : Math.min(most, Math.floor(limit / 4));
}

/** The highest descriptor that a connection to an endpoint may have. */
export function endpointDescriptorMax(limit: number | null = descriptorLimit()): number {
  return limit === null ? Infinity : limit - 1 - controlReserve;
}

/** How many idle connections are closed at a time, so that not every new connection has to close one. */
const makeRoomMost = 64;

/**
 * Keeps descriptors from running out.
 *
 * At the limit libuv accepts queued connections and closes them at once, without an error, and everything else
 * that needs a descriptor fails too. A new descriptor always has the lowest free number: one within the reserve
 * shows that all below it are in use. Then idle connections are closed, those to endpoints first, because clients
 * do not notice; if none is idle, the new connection is closed.
 */
export class DescriptorLimiter {
  readonly #first: number;
  readonly #counts: WorkerCounts;
  readonly #makeRoom: (max: number) => number;

  /** `makeRoom` closes at most `max` idle connections, and returns how many. */
  constructor(limit: number | null, counts: WorkerCounts, makeRoom: (max: number) => number) {
    this.#first = limit === null ? Infinity : limit - descriptorReserve(limit);
    this.#counts = counts;
    this.#makeRoom = makeRoom;
  }

  /** Whether a connection with this descriptor may stay. */
  admits(descriptor: number): boolean {
    if (descriptor < this.#first) return true;
    return this.relieve();
  }

  /** Closes idle connections, because descriptors are scarce. Returns whether there is room now. */
  relieve(): boolean {
    this.#counts.descriptorsScarce++;
    const closed = this.#makeRoom(makeRoomMost);
    this.#counts.closedForDescriptors += closed;
    return closed > 0;
  }
}
