import type { ClientConnection } from '../core/client-engine.ts';
import type { Failure } from '../core/failure.ts';
import { after } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { ListenerSettings } from './listener-settings.ts';
import type { DownstreamPorts, SharedPorts } from './ports.ts';
import { Preface } from './preface.ts';

/**
 * How long the gateway waits for the request of a connection that it refuses. Clients send their request within the first round
 * trip; a longer wait would keep the response from other refused clients.
 */
const refusedHeadMs = 2000;

/** One listener's connections in this worker, of any protocol: accepted up to a limit, counted, drained. */
export class ListenerConnections {
  settings: ListenerSettings;
  readonly #ports: DownstreamPorts;
  /** Each with its permit, for its release; null for a refused connection, which has none. */
  readonly #open = new Map<ClientConnection, string | null>();
  /** Refused connections, whose request is answered with the reason. */
  readonly #refused = new Set<ClientConnection>();
  #announcesClose = false;
  #closed = false;

  /** `onClosed` is called after each close of a connection. */
  constructor(facts: ListenerSettings, ports: SharedPorts, onClosed: () => void = () => {}) {
    this.settings = facts;
    this.#ports = {
      ...ports,
      onEngineStarted: (engine, preface) => {
        this.#open.set(engine, this.#open.get(preface) ?? null);
        this.#open.delete(preface);
        if (this.#refused.delete(preface)) this.#refused.add(engine);
        if (this.#announcesClose) engine.announceClose();
      },
      onClientNamed: (preface, address) => this.#countForClient(address, preface),
      onConnectionClosed: (connection) => {
        ports.counts.clientConnections--;
        const permit = this.#open.get(connection) ?? null;
        if (permit !== null) ports.admission.release(permit, this.settings.limits);
        this.#open.delete(connection);
        if (this.#refused.delete(connection)) ports.admission.endRefusal();
        onClosed();
      },
    };
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whether a connection is open that does not only linger. */
  get isBusy(): boolean {
    for (const connection of this.#open.keys()) if (!connection.isLingering) return true;
    return false;
  }

  accept(transport: Transport): void {
    const { counts, admission } = this.#ports;
    if (this.#closed) return transport.close('reset');
    const permit = admission.acquire(transport.facts.remoteAddress, this.settings.limits);
    if (permit === null) return this.#refuse(transport);
    counts.clientConnections++;
    counts.clientConnectionsTotal++;
    this.#open.set(new Preface(transport, this.settings, this.#ports), permit);
  }

  /** Answers the request of a connection without a permit with the reason, or resets it where too many wait for that already. */
  #refuse(transport: Transport): void {
    const { counts, admission } = this.#ports;
    const failure = admission.tryBeginRefusal();
    if (failure === null) return transport.close('reset');
    counts.clientConnections++;
    const { limits } = this.settings;
    const headMs = Math.min(limits.headMs, refusedHeadMs);
    const facts = { ...this.settings, limits: { ...limits, headMs } };
    const preface = new Preface(transport, facts, this.#portsThatRefuse(failure));
    this.#open.set(preface, null);
    this.#refused.add(preface);
  }

  /** Ports with which every request is answered with `failure`, and its connection closes. */
  #portsThatRefuse(failure: Failure): DownstreamPorts {
    const ports: DownstreamPorts = { ...this.#ports, overload: { failure }, onClientNamed: () => ports };
    return ports;
  }

  /** A trusted peer has named the client of its connection: it counts as that client's from now on. */
  #countForClient(address: string, preface: ClientConnection): DownstreamPorts | null {
    const { admission } = this.#ports;
    const permit = admission.acquireAddress(address, this.settings.limits);
    if (permit === null) return this.#refuseNamed(preface);
    admission.releaseAddress(this.#open.get(preface) ?? '');
    this.#open.set(preface, permit);
    return this.#ports;
  }

  #refuseNamed(preface: ClientConnection): DownstreamPorts | null {
    const failure = this.#ports.admission.tryBeginRefusal();
    if (failure === null) return null;
    this.#refused.add(preface);
    return this.#portsThatRefuse(failure);
  }

  /** Closes up to `max` connections without a request, those first that have been open longest; returns how many. */
  makeRoom(max: number): number {
    let closed = 0;
    for (const connection of this.#open.keys()) {
      if (closed >= max) break;
      if (connection.closeToMakeRoom()) closed++;
    }
    return closed;
  }

  /** Every response from now on is the last on its connection, and says so; new connections are still served. */
  announceClose(): void {
    this.#announcesClose = true;
    for (const connection of this.#open.keys()) connection.announceClose();
  }

  /** No connection is accepted any more; open ones end after their next response. */
  close(): void {
    this.#closed = true;
    this.announceClose();
  }

  /** Closes connections without a request. A request that has come and has not been read yet is served. */
  closeIdle(): void {
    this.#closeEach({ connections: [...this.#open.keys()], tryClose: (connection) => connection.closeIdle() });
  }

  /** Ends tunnels with `failure`. */
  endTunnels(failure: Failure): void {
    for (const connection of [...this.#open.keys()]) connection.endTunnels(failure);
  }

  /** The drain timeout is over: ends exchanges with `failure`, which answers those whose response has not begun. */
  forceClose(failure: Failure): void {
    this.#closeEach({ connections: [...this.#open.keys()], tryClose: (connection) => connection.forceClose(failure) });
  }

  #closeEach({ connections, tryClose }: CloseBatch): void {
    const { clock } = this.#ports;
    const later = connections.filter((connection) => !tryClose(connection));
    if (later.length === 0) return;
    clock.schedule(after(clock.now(), readAheadMs), (request) => this.#closeEach(request), {
      connections: later,
      tryClose,
    });
  }
}

/** After this time a connection has received the bytes that `hasUnread` read ahead. */
const readAheadMs = 1;

/** A call to connections. Those that return false have unread bytes, and are called again. */
interface CloseBatch {
  readonly connections: readonly ClientConnection[];
  readonly tryClose: (connection: ClientConnection) => boolean;
}
