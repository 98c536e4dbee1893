import type { EndingInstance } from '../core/stream.ts';
import { type ClientConnection, lastResponseReadMs, type OpenConnection } from '../core/client-engine.ts';
import type { Failure } from '#failures/failure.ts';
import { after, type Instant, never } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { ListenerSettings } from './listener-settings.ts';
import type { DownstreamPorts, SharedPorts } from './ports.ts';
import { Preface } from './preface.ts';

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

/**
 * How long the gateway waits for the request of a connection that it refuses. Clients send their request within the first round
 * trip. Only a limited number of refused connections may wait at once. The longer each of them waits, the more of the others are
 * reset without a response.
 */
const refusedHeadMs = 2000;

/** The client connections of one listener in this worker: accepts them up to a limit, counts them, and drains them. */
export class ListenerConnections {
  settings: ListenerSettings;
  /** The functions that connections need of other folders of src/. */
  readonly #ports: DownstreamPorts;
  readonly #open = new OpenConnections();
  #announcesClose = false;
  #closed = false;
  #forceClosedAt: Instant = never;

  /** `onClosed` is called each time that a connection has closed. */
  constructor(settings: ListenerSettings, ports: SharedPorts, onClosed: () => void = () => {}) {
    this.settings = settings;
    this.#ports = {
      ...ports,
      // A `Preface` stands for a connection until its protocol is known; then the engine of that protocol takes its place.
      onEngineStarted: (connection, preface) => {
        this.#open.replace(preface, connection);
        if (this.#announcesClose) connection.announceClose();
      },
      onClientNamed: (preface, address) => this.#countForClient(address, preface),
      onConnectionClosed: (connection) => {
        ports.counts.clientConnections--;
        const { permit = null, isRefused = false } = this.#open.remove(connection) ?? {};
        if (permit !== null) ports.admission.release(permit, this.settings.limits);
        if (isRefused) ports.admission.endRefusal();
        onClosed();
      },
    };
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whether a connection is open that is not just lingering (closed for writing, and reading until the client closes too). */
  get isBusy(): boolean {
    for (const connection of this.#open) if (!connection.isLingering) return true;
    return false;
  }

  accept(transport: Transport): void {
    const { counts, admission } = this.#ports;
    if (this.#closed) return transport.close('reset');
    const permit = admission.acquire(transport.facts.remoteAddress, this.settings.limits);
    if (permit === null) return this.#refuse(transport);
    counts.clientConnections++;
    counts.clientConnectionsTotal++;
    this.#open.add(new Preface(transport, this.settings, this.#ports), permit, false);
  }

  /** Refuses a connection that got no permit: answers its request with the reason, or resets it if too many are being refused. */
  #refuse(transport: Transport): void {
    const { counts, admission } = this.#ports;
    const failure = admission.tryBeginRefusal();
    if (failure === null) return transport.close('reset');
    counts.clientConnections++;
    const { limits } = this.settings;
    const headMs = Math.min(limits.headMs, refusedHeadMs);
    const settings = { ...this.settings, limits: { ...limits, headMs } };
    const preface = new Preface(transport, settings, this.#portsThatRefuse(failure));
    this.#open.add(preface, null, true);
  }

  /** The ports of a refused connection: its request is answered with `failure`, then the connection closes. */
  #portsThatRefuse(failure: Failure): DownstreamPorts {
    const ports: DownstreamPorts = { ...this.#ports, overload: { failure }, onClientNamed: () => ports };
    return ports;
  }

  /**
   * A trusted peer has given the address of its client (PROXY protocol): from now on the connection counts for the address of that client.
   * Returns the ports that the connection uses from now on; null if it must be reset.
   */
  #countForClient(address: string, preface: ClientConnection): DownstreamPorts | null {
    const { admission } = this.#ports;
    const permit = admission.acquireAddress(address, this.settings.limits);
    if (permit === null) return this.#refuseNamed(preface);
    const { listed } = preface;
    admission.releaseAddress(listed?.permit ?? '');
    if (listed !== null) listed.permit = permit;
    return this.#ports;
  }

  #refuseNamed(preface: ClientConnection): DownstreamPorts | null {
    const failure = this.#ports.admission.tryBeginRefusal();
    if (failure === null) return null;
    if (preface.listed !== null) preface.listed.isRefused = true;
    return this.#portsThatRefuse(failure);
  }

  /** Closes up to `max` connections that have no request, the oldest first. Returns how many it has closed. */
  makeRoom(max: number): number {
    let closed = 0;
    for (const connection of this.#open) {
      if (closed >= max) break;
      if (connection.closeToMakeRoom()) closed++;
    }
    return closed;
  }

  /** From now on each response is the last on its connection, and announces the close. New connections are still accepted. */
  announceClose(): void {
    this.#announcesClose = true;
    for (const connection of this.#open) connection.announceClose();
  }

  /** Accepts no further connection. Open connections close after their next response. */
  close(): void {
    this.#closed = true;
    this.announceClose();
  }

  /** Closes connections that have no request. A request that has been received but not read yet is served. */
  closeIdle(): void {
    this.#closeEach({ connections: [...this.#open], tryClose: (connection) => connection.closeIdle() });
  }

  /** Ends tunnels with `failure`; `of`: those of that instance alone. */
  endTunnels(failure: Failure, of?: EndingInstance): void {
    for (const connection of [...this.#open]) connection.endTunnels(failure, of);
  }

  /**
   * The drain timeout is over: ends all exchanges. The client gets the error response for `failure` if its response has not
   * begun; otherwise its response is truncated. The worker's own timer and the main thread call it at the same moment; a call
   * `lastResponseReadMs` after the first one ends what clients have not read by then.
   */
  forceClose(failure: Failure): void {
    const now = this.#ports.clock.now();
    if (this.#forceClosedAt === never) this.#forceClosedAt = now;
    const hadTimeToRead = now - this.#forceClosedAt >= lastResponseReadMs;
    this.#closeEach({
      connections: [...this.#open],
      tryClose: (connection) => connection.forceClose(failure, hadTimeToRead),
    });
  }

  /** Tries to close each connection, and tries again later for connections that have unread bytes. */
  #closeEach({ connections, tryClose }: CloseBatch): void {
    const { clock } = this.#ports;
    const later = connections.filter((connection) => !tryClose(connection));
    if (later.length === 0) return;
    clock.schedule(after(clock.now(), readAheadMs), (batch) => this.#closeEach(batch), {
      connections: later,
      tryClose,
    });
  }
}

/** `Transport.hasUnread` may take bytes from the socket. The connection has received them after this time. */
const readAheadMs = 1;

/** Connections to close. `tryClose` returns false for a connection with unread bytes, which is then tried again. */
interface CloseBatch {
  readonly connections: readonly ClientConnection[];
  readonly tryClose: (connection: ClientConnection) => boolean;
}
