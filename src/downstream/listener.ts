import type { ClientConnection } from '../core/client-engine.ts';
import type { Failure } from '../core/failure.ts';
import { after } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { ListenerFacts } from './listener-facts.ts';
import type { DownstreamPorts, SharedPorts } from './ports.ts';
import { Preface } from './preface.ts';

/**
 * For how long the gateway waits for the request of a connection that it refuses. A client that was let down once
 * sends its request with the first round trip; a longer wait would keep the answer from others.
 */
const refusedHeadMs = 2000;

/** One listener's connections in this worker: taken in up to a limit, counted, drained. */
export class ListenerConnections {
  facts: ListenerFacts;
  readonly #ports: DownstreamPorts;
  /** Each with its place, which is given back; null for a connection that was refused, and has none. */
  readonly #open = new Map<ClientConnection, string | null>();
  /** Those of them that are answered with why they are refused. */
  readonly #refused = new Set<ClientConnection>();
  #announcesClose = false;
  #closed = false;

  /** `onClosed` is called after each connection that has closed. */
  constructor(facts: ListenerFacts, ports: SharedPorts, onClosed: () => void = () => {}) {
    this.facts = facts;
    this.#ports = {
      ...ports,
      onEngineStarted: (engine, preface) => {
        this.#open.set(engine, this.#open.get(preface) ?? null);
        this.#open.delete(preface);
        if (this.#refused.delete(preface)) this.#refused.add(engine);
        if (this.#announcesClose) engine.announceClose();
      },
      onClientNamed: (preface, address) => this.#moveTo(address, preface),
      onConnectionClosed: (connection) => {
        ports.counts.clientConnections--;
        const permit = this.#open.get(connection) ?? null;
        if (permit !== null) ports.admission.release(permit, this.facts.limits);
        this.#open.delete(connection);
        if (this.#refused.delete(connection)) ports.admission.refusalOver();
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
    const permit = admission.acquire(transport.facts.remoteAddress, this.facts.limits);
    if (permit === null) return this.#refuse(transport);
    counts.clientConnections++;
    counts.clientConnectionsTotal++;
    this.#open.set(new Preface(transport, this.facts, this.#ports), permit);
  }

  /** Has a connection without a place told why once its request head has come, unless too many are being told already. */
  #refuse(transport: Transport): void {
    const { counts, admission } = this.#ports;
    const failure = admission.refusal();
    if (failure === null) return transport.close('reset');
    counts.clientConnections++;
    const { limits } = this.facts;
    const headMs = Math.min(limits.headMs, refusedHeadMs);
    const facts = { ...this.facts, limits: { ...limits, headMs } };
    const preface = new Preface(transport, facts, this.#refusing(failure));
    this.#open.set(preface, null);
    this.#refused.add(preface);
  }

  /** Whatever is asked with these is answered with `failure`, and its connection closes. */
  #refusing(failure: Failure): DownstreamPorts {
    const ports: DownstreamPorts = { ...this.#ports, overload: { failure }, onClientNamed: () => ports };
    return ports;
  }

  /** A trusted peer has said whose connection it is: from now on it is counted with those of that client. */
  #moveTo(address: string, preface: ClientConnection): DownstreamPorts | null {
    const { admission } = this.#ports;
    const permit = admission.acquireAddress(address, this.facts.limits);
    if (permit === null) return this.#refuseNamed(preface);
    admission.releaseAddress(this.#open.get(preface) ?? '');
    this.#open.set(preface, permit);
    return this.#ports;
  }

  #refuseNamed(preface: ClientConnection): DownstreamPorts | null {
    const failure = this.#ports.admission.refusal();
    if (failure === null) return null;
    this.#refused.add(preface);
    return this.#refusing(failure);
  }

  /** Closes up to `max` connections that have no request, those first that have been open longest; says how many. */
  makeRoom(max: number): number {
    let closed = 0;
    for (const connection of this.#open.keys()) {
      if (closed >= max) break;
      if (connection.closeToMakeRoom()) closed++;
    }
    return closed;
  }

  /** Every response from now on is the last on its connection, and says so; what connects is still served. */
  announceClose(): void {
    this.#announcesClose = true;
    for (const connection of this.#open.keys()) connection.announceClose();
  }

  /** Nothing more is accepted; those that are open end after their next response. */
  close(): void {
    this.#closed = true;
    this.announceClose();
  }

  /** Connections without a request close now, unless one has come that nobody has read yet: that one is served. */
  closeIdle(): void {
    this.#closeEach({ connections: [...this.#open.keys()], ask: (connection) => connection.closeIdle() });
  }

  /** Tunnels end with `failure` now. */
  endTunnels(failure: Failure): void {
    for (const connection of [...this.#open.keys()]) connection.endTunnels(failure);
  }

  /** The time for draining is over: exchanges end with `failure` now, answered where no answer has begun. */
  forceClose(failure: Failure): void {
    this.#closeEach({ connections: [...this.#open.keys()], ask: (connection) => connection.forceClose(failure) });
  }

  #closeEach({ connections, ask }: CloseRequest): void {
    const { clock } = this.#ports;
    const later = connections.filter((connection) => !ask(connection));
    if (later.length === 0) return;
    clock.schedule(after(clock.now(), readAheadMs), (request) => this.#closeEach(request), { connections: later, ask });
  }
}

/** By then a connection has been told of bytes that were read for it ahead of time. */
const readAheadMs = 1;

/** What is asked of connections; those that answer false have something to hear first, and are asked again. */
interface CloseRequest {
  readonly connections: readonly ClientConnection[];
  readonly ask: (connection: ClientConnection) => boolean;
}
