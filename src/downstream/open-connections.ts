import type { ClientConnection, OpenConnection } from '../core/client-engine.ts';

/**
 * The open connections of a listener, in the order in which they were accepted: a linked list through the connections.
 *
 * A `Map` would keep the memory of closed connections. Its table is replaced after so many insertions and deletions, and each old
 * table refers to the next one. As soon as one is old enough that only a full garbage collection can free it, it keeps its
 * successors, and these keep every connection that was open when they were replaced. Measured with a connection per request:
 * half of all that was allocated survived each small collection, and full ones followed twice a second. So a removed entry
 * refers to no other.
 */
export class OpenConnections {
  size = 0;
  #first: OpenConnection | null = null;
  #last: OpenConnection | null = null;

  /** Appends a connection that was accepted with `permit`. */
  add(connection: ClientConnection, permit: string | null, isRefused: boolean): void {
    const previous = this.#last;
    const entry: OpenConnection = { connection, permit, isRefused, previous, next: null };
    connection.listed = entry;
    if (previous === null) this.#first = entry;
    else previous.next = entry;
    this.#last = entry;
    this.size++;
  }

  /** `connection` takes over the entry of `former`. */
  replace(former: ClientConnection, connection: ClientConnection): void {
    const entry = former.listed;
    if (entry === null) return;
    former.listed = null;
    entry.connection = connection;
    connection.listed = entry;
  }

  /** Removes the connection. Returns what the list knew of it; null if it is not in the list. */
  remove(connection: ClientConnection): OpenConnection | null {
    const entry = connection.listed;
    if (entry === null) return null;
    const { previous, next } = entry;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    entry.previous = entry.next = connection.listed = null;
    this.size--;
    return entry;
  }

  /** The connections, the oldest first. The one that was yielded last may be removed meanwhile. */
  *[Symbol.iterator](): Generator<ClientConnection, void> {
    for (let entry = this.#first; entry !== null; ) {
      const { next }: OpenConnection = entry;
      yield entry.connection;
      entry = next;
    }
  }
}
