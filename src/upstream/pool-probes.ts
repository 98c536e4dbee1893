import type { PooledConnection, ProbeWaiter } from '../core/pooled-connection.ts';
import type { PendingStream } from '../core/stream.ts';
import { type DialDemand, DialShare, type ShareOwner } from './pool-dial.ts';

/** The pool, as its probes see it. */
export interface PoolProbesOwner {
  /** The endpoint has answered on the connection, or the connection is not to be used any more. */
  onProbed(connection: PooledConnection, shares: readonly DialShare[], isAlive: boolean): void;
  /** A request that waited for the answer waits no more. */
  onProbeShareCancelled(): void;
}

/**
 * Questions on idle connections whether they still work, for requests that must not meet a connection that was lost meanwhile. An
 * answer takes as long as a new connection in clear text, and less than one within TLS.
 */
export class PoolProbes {
  /** Requests that wait for answers. */
  shares = 0;
  readonly #owner: PoolProbesOwner;
  readonly #running = new Map<PooledConnection, PoolProbe>();

  constructor(owner: PoolProbesOwner) {
    this.#owner = owner;
  }

  /** Asks, or joins the question that was asked. Null: the protocol of the connection knows none. */
  join(connection: PooledConnection, demand: DialDemand): PendingStream | null {
    let probe = this.#running.get(connection);
    if (probe === undefined) {
      probe = new PoolProbe(connection, this);
      if (!connection.probe(probe)) return null;
      this.#running.set(connection, probe);
    }
    this.shares++;
    return probe.join(demand);
  }

  /** For its probes alone, like the next one. */
  onShareCancelled(): void {
    this.shares--;
    this.#owner.onProbeShareCancelled();
  }

  onProbed(connection: PooledConnection, shares: readonly DialShare[], isAlive: boolean): void {
    this.#running.delete(connection);
    this.shares -= shares.length;
    this.#owner.onProbed(connection, shares, isAlive);
  }
}

class PoolProbe implements ProbeWaiter, ShareOwner {
  readonly #connection: PooledConnection;
  readonly #owner: PoolProbes;
  #shares: DialShare[] = [];

  constructor(connection: PooledConnection, owner: PoolProbes) {
    this.#connection = connection;
    this.#owner = owner;
  }

  join(demand: DialDemand): DialShare {
    const share = new DialShare(this, demand);
    this.#shares.push(share);
    return share;
  }

  leave(share: DialShare): boolean {
    const at = this.#shares.indexOf(share);
    if (at < 0) return false;
    this.#shares.splice(at, 1);
    this.#owner.onShareCancelled();
    return true;
  }

  onProbed(isAlive: boolean): void {
    const shares = this.#shares;
    this.#shares = [];
    this.#owner.onProbed(this.#connection, shares, isAlive);
  }
}
