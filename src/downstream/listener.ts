import type { Failure } from '../core/failure.ts';
import { after } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { ClientConnection } from './connection.ts';
import type { DownstreamPorts, ListenerFacts, SharedPorts } from './ports.ts';
import { Preface } from './preface.ts';

/** One listener's connections in this worker: taken in up to a limit, counted, drained. */
export class ListenerConnections {
  facts: ListenerFacts;
  readonly #ports: DownstreamPorts;
  /** Each with its place, which is given back. */
  readonly #open = new Map<ClientConnection | Preface, string>();
  #leaving = false;
  #closed = false;

  /** `onClosed` is called after each connection that has closed. */
  constructor(facts: ListenerFacts, ports: SharedPorts, onClosed: () => void = () => {}) {
    this.facts = facts;
    this.#ports = {
      ...ports,
      onConnectionOpened: (engine, preface) => {
        this.#open.set(engine, this.#open.get(preface) ?? '');
        this.#open.delete(preface);
        if (this.#leaving) engine.takeLeave();
      },
      onClientNamed: (preface, address) => this.#moveTo(address, preface),
      onConnectionClosed: (connection) => {
        ports.admission.giveBack(this.#open.get(connection) ?? '', this.facts.limits);
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
    for (const connection of this.#open.keys()) if (!connection.isLingering) return true;
    return false;
  }

  accept(transport: Transport): void {
    const { counts, admission } = this.#ports;
    if (this.#closed) return transport.close('reset');
    const place = admission.take(transport.facts.remoteAddress, this.facts.limits);
    if (place === null) return transport.close('reset');
    counts.clientConnections++;
    counts.clientConnectionsTotal++;
    this.#open.set(new Preface(transport, this.facts, this.#ports), place);
  }

  /** A trusted peer has said whose connection it is: from now on it is counted with those of that client. */
  #moveTo(address: string, preface: Preface): boolean {
    const { admission } = this.#ports;
    const place = admission.takeAddress(address, this.facts.limits);
    if (place === null) return false;
    admission.giveBackAddress(this.#open.get(preface) ?? '');
    this.#open.set(preface, place);
    return true;
  }

  /** Closes up to `max` connections that have no request, those first that have been open longest; says how many. */
  makeRoom(max: number): number {
    let closed = 0;
    for (const connection of this.#open.keys()) {
      if (closed >= max) break;
      if (connection.giveWay()) closed++;
    }
    return closed;
  }

  /** Every response from now on is the last on its connection, and says so; what connects is still served. */
  takeLeave(): void {
    this.#leaving = true;
    for (const connection of this.#open.keys()) connection.takeLeave();
  }

  /** Nothing more is accepted; those that are open end after their next response. */
  close(): void {
    this.#closed = true;
    this.takeLeave();
  }

  /** Connections without a request close now, unless one has come that nobody has read yet: that one is served. */
  closeIdle(): void {
    this.#ask({ connections: [...this.#open.keys()], ask: (connection) => connection.closeIdle() });
  }

  /** Tunnels end with `failure` now. */
  endTunnels(failure: Failure): void {
    for (const connection of [...this.#open.keys()]) connection.endTunnel(failure);
  }

  /** The time for draining is over: exchanges end with `failure` now, answered where no answer has begun. */
  cut(failure: Failure): void {
    this.#ask({ connections: [...this.#open.keys()], ask: (connection) => connection.cut(failure) });
  }

  #ask({ connections, ask }: Question): void {
    const { clock } = this.#ports;
    const later = connections.filter((connection) => !ask(connection));
    if (later.length === 0) return;
    clock.schedule(after(clock.now(), toldMs), (again) => this.#ask(again), { connections: later, ask });
  }
}

/** By then a connection has been told of octets that were read for it ahead of time. */
const toldMs = 1;

/** What is asked of connections; those that answer false have something to hear first, and are asked again. */
interface Question {
  readonly connections: readonly (ClientConnection | Preface)[];
  readonly ask: (connection: ClientConnection | Preface) => boolean;
}
