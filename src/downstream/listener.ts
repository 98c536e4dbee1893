import type { Failure } from '../core/failure.ts';
import type { Transport } from '../core/transport.ts';
import type { ClientConnection } from './connection.ts';
import type { DownstreamPorts, ListenerFacts } from './ports.ts';
import { Preface } from './preface.ts';

/** One listener's connections in this worker: taken in up to a limit, counted, drained. */
export class ListenerConnections {
  facts: ListenerFacts;
  readonly #ports: DownstreamPorts;
  readonly #open = new Set<ClientConnection | Preface>();
  #leaving = false;
  #closed = false;

  /** `onClosed` is called after each connection that has closed. */
  constructor(
    facts: ListenerFacts,
    ports: Omit<DownstreamPorts, 'onConnectionOpened' | 'onConnectionClosed'>,
    onClosed: () => void = () => {},
  ) {
    this.facts = facts;
    this.#ports = {
      ...ports,
      onConnectionOpened: (engine, preface) => {
        this.#open.delete(preface);
        this.#open.add(engine);
        if (this.#leaving) engine.takeLeave();
      },
      onConnectionClosed: (connection) => {
        this.#open.delete(connection);
        onClosed();
      },
    };
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whether connections are open of which something may still come. */
  get isBusy(): boolean {
    for (const connection of this.#open) if (!connection.isLingering) return true;
    return false;
  }

  accept(transport: Transport): void {
    const { counts } = this.#ports;
    if (this.#closed) return transport.close('reset');
    if (counts.clientConnections >= this.facts.limits.connectionsMax) {
      // Closed without a word, since whoever has no place cannot be told so without a place; but counted and told.
      counts.clientConnectionsRefused++;
      return transport.close('reset');
    }
    counts.clientConnections++;
    counts.clientConnectionsTotal++;
    this.#open.add(new Preface(transport, this.facts, this.#ports));
  }

  /** Every response from now on is the last on its connection, and says so; what connects is still served. */
  takeLeave(): void {
    this.#leaving = true;
    for (const connection of this.#open) connection.takeLeave();
  }

  /** Nothing more is accepted; those that are open end after their next response. */
  close(): void {
    this.#closed = true;
    this.takeLeave();
  }

  /** Connections without a request close now. */
  closeIdle(): void {
    for (const connection of [...this.#open]) connection.closeIdle();
  }

  /** Tunnels end with `failure` now. */
  endTunnels(failure: Failure): void {
    for (const connection of [...this.#open]) connection.endTunnel(failure);
  }

  /** The time for draining is over: exchanges end with `failure` now, answered where no answer has begun. */
  cut(failure: Failure): void {
    for (const connection of [...this.#open]) connection.cut(failure);
  }
}
