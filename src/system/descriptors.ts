import { readFileSync } from 'node:fs';
import type { Configuration } from '../core/configuration.ts';
import type { WorkerCounts } from '../core/counters.ts';

/**
 * How many files this process may have open; null where nobody says. Node raises the soft limit to the hard one when it
 * starts, so that what is read here is what holds.
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

/** Of the process itself: its log, its sockets, the pipes of applications, and what it has open for a moment. */
const ownMost = 128;

/** Of each thread, for its event loop; it has 5. */
const perWorker = 8;

/** Where there are as many workers as cores, which makes no difference worth asking for. */
const coresUsual = 16;

/** How many a configuration may need at once: for each client, and for each of them to reach an endpoint. */
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
 * Descriptors that connections of clients leave alone: for connections to endpoints that requests under way still need, for
 * logs, checks and the control plane. An eighth; of many, no more than a burst takes.
 */
export function descriptorReserve(limit: number): number {
  return Math.min(512, Math.max(16, Math.floor(limit / 8)));
}

/** So many connections that rest are closed at once, so that not each one that comes has to make its own room. */
const makeRoomMost = 64;

/**
 * Sees to it that descriptors do not run out.
 *
 * At the limit the event loop's library accepts what waits and closes it at once, and tells nobody; and whatever else needs a
 * descriptor fails too. So it must not come to that. A new descriptor always has the lowest number that is free: one that
 * is within the reserve says that all below it are in use. Then connections that rest make room, those to endpoints first,
 * since nobody misses one; where none rests, whoever has just come is closed.
 */
export class DescriptorLimiter {
  readonly #first: number;
  readonly #counts: WorkerCounts;
  readonly #makeRoom: (max: number) => number;

  /** `makeRoom` closes up to so many connections that rest, and says how many. */
  constructor(limit: number | null, counts: WorkerCounts, makeRoom: (max: number) => number) {
    this.#first = limit === null ? Infinity : limit - descriptorReserve(limit);
    this.#counts = counts;
    this.#makeRoom = makeRoom;
  }

  /** Whether a connection may stay that has this descriptor. */
  admits(descriptor: number): boolean {
    if (descriptor < this.#first) return true;
    return this.relieve();
  }

  /** Descriptors are scarce, or have been found to be. Whether there is room now. */
  relieve(): boolean {
    this.#counts.descriptorsScarce++;
    const closed = this.#makeRoom(makeRoomMost);
    this.#counts.closedForDescriptors += closed;
    return closed > 0;
  }
}
