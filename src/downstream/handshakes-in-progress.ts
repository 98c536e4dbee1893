import type { Cancellable } from '../core/connector.ts';
import type { HandshakeFailure, TlsServerWaiter } from '../core/tls-server.ts';
import type { Transport } from '../core/transport.ts';
import type { PrefaceConnection } from './preface-stage.ts';

/** A handshake that has begun and is neither complete nor failed: what its connection cancels, and what the TLS server reports to. */
export class HandshakeInProgress implements TlsServerWaiter, Cancellable {
  readonly connection: PrefaceConnection;
  previous: HandshakeInProgress | null = null;
  next: HandshakeInProgress | null = null;
  readonly #serverName: string | null;
  readonly #list: HandshakesInProgress;
  #started: Cancellable | null = null;

  constructor(connection: PrefaceConnection, serverName: string | null, list: HandshakesInProgress) {
    this.connection = connection;
    this.#serverName = serverName;
    this.#list = list;
  }

  begin(started: Cancellable): void {
    this.#started = started;
    this.#list.add(this);
  }

  cancel(): void {
    this.#list.remove(this);
    this.#started?.cancel();
  }

  onSecure(transport: Transport, failure: HandshakeFailure | null): void {
    this.#list.remove(this);
    const { connection } = this;
    if (failure !== null) {
      connection.noteHandshakeFailure(failure, this.#serverName);
      connection.refuseNext('client-certificate', failure.code);
    }
    connection.continueOn(transport);
  }

  onHandshakeFailed(failure: HandshakeFailure): void {
    this.#list.remove(this);
    this.connection.failHandshake(failure, this.#serverName);
  }
}

/**
 * The handshakes in progress, the oldest first: a linked list through them. A `Set` would keep the memory of those that have left, as
 * a `Map` does (`open-connections.ts`).
 */
export class HandshakesInProgress {
  size = 0;
  #first: HandshakeInProgress | null = null;
  #last: HandshakeInProgress | null = null;

  add(handshake: HandshakeInProgress): void {
    const last = this.#last;
    handshake.previous = last;
    if (last === null) this.#first = handshake;
    else last.next = handshake;
    this.#last = handshake;
    this.size++;
  }

  remove(handshake: HandshakeInProgress): void {
    const { previous, next } = handshake;
    if (previous === null && this.#first !== handshake) return; // It is not in the list.
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    handshake.previous = handshake.next = null;
    this.size--;
  }

  /** The oldest handshake of the address that has most in progress: a flood from few addresses makes room by itself. */
  oldestOfBusiest(): PrefaceConnection | null {
    const counts = new Map<string, { count: number; readonly oldest: PrefaceConnection }>();
    let busiest: { readonly count: number; readonly oldest: PrefaceConnection } | null = null;
    for (let one = this.#first; one !== null; one = one.next) {
      const address = one.connection.transport.facts.remoteAddress;
      const known = counts.get(address);
      if (known === undefined) counts.set(address, { count: 1, oldest: one.connection });
      else known.count++;
    }
    for (const one of counts.values()) if (busiest === null || one.count > busiest.count) busiest = one;
    return busiest?.oldest ?? null;
  }
}
