import { createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net';
import type { Clock } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { AcceptPressure } from './accept-pressure.ts';
import { duplicateSocket } from './duplicate-socket.ts';
import { errnoOf } from './errno.ts';
import { ExtraAcceptors } from './extra-acceptors.ts';
import { HandleTransport } from './handle-transport.ts';
import { atEndOfTurn } from './outbox.ts';
import { ReadTarget, SocketTransport } from './socket-transport.ts';
import { type StreamHandle, streamInternals } from './stream-handle.ts';

export interface BoundListener {
  /** The address it listens at, with the port that the system chose for port 0. */
  readonly address: { readonly host: string; readonly port: number };
  /** The socket's descriptor in this process; −1 where it is unknown. */
  readonly descriptor: number;
  /** Stops accepting; accepted connections stay open. */
  close(): Promise<void>;
}

export interface ListenWaiter {
  onListening(boundListener: BoundListener): void;
  /** Listening failed, or accepting failed later (no descriptors left). */
  onListenFailed(errno: string): void;
  /** `descriptor` is the connection's in this process, always the lowest that was free; −1 where it is unknown. */
  onConnection(transport: Transport, descriptor: number): void;
}

export interface ListenTarget {
  readonly host: string;
  readonly port: number;
  /** Several workers share the port, each with a listener of its own. */
  readonly sharePort: boolean;
  /** A socket that the process was started with and that listens there already; absent where there is none. */
  readonly inheritedFd?: number;
  /** As `inheritedFd`, for a socket that belongs to this listener alone and closes with it. */
  readonly ownFd?: number;
  /** With it, more connections are accepted in a turn of the event loop while many wait. */
  readonly clock?: Clock;
}

/**
 * How accepted connections are read: from libuv's handle without a socket; through a socket of Node's, into our own buffers; or
 * through its 'data' events, which is all that Node documents. One suite of tests runs against all three. Node's TLS runs on
 * sockets, not on handles (ADR 42).
 */
export type ReadMode = 'handles' | 'buffers' | 'events';

export function listen(target: ListenTarget, waiter: ListenWaiter, readMode: ReadMode = bestReadMode()): void {
  const server = newServer(waiter, readMode);
  const opened = (): void => {
    const extra = readMode === 'handles' ? takeHandlesOf(server, target, waiter) : null;
    waiter.onListening(listening(server, target, extra));
  };
  if (target.ownFd !== undefined) server.listen({ fd: target.ownFd, backlog }, opened);
  else if (target.inheritedFd !== undefined) void listenAtInherited(server, target.inheritedFd, waiter, opened);
  else server.listen({ host: target.host, port: target.port, reusePort: target.sharePort, backlog }, opened);
}

function newServer(waiter: ListenWaiter, readMode: ReadMode): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: readMode !== 'events' });
  server.on('error', (error) => waiter.onListenFailed(errnoOf(error)));
  server.on('connection', (socket) => {
    const descriptor = (socket as unknown as SocketInternals)._handle?.fd ?? -1;
    const transport = readMode === 'events' ? new SocketTransport(socket, null) : rewrapped(server, socket);
    waiter.onConnection(transport, descriptor);
  });
  return server;
}

/** Takes handles from the server, and from more servers while connections wait at its socket. */
function takeHandlesOf(server: Server, { clock }: ListenTarget, waiter: ListenWaiter): ExtraAcceptors | null {
  const fd = (server as unknown as SocketInternals)._handle?.fd ?? -1;
  if (clock !== undefined && fd >= 0) return acceptWaiting(server, fd, clock, waiter);
  takeHandles(server, waiter);
  return null;
}

function acceptWaiting(server: Server, fd: number, clock: Clock, waiter: ListenWaiter): ExtraAcceptors {
  // Without one of them the listener accepts as before.
  const ofExtra: ListenWaiter = {
    onListening() {},
    onListenFailed() {},
    onConnection: (transport, descriptor) => waiter.onConnection(transport, descriptor),
  };
  const extra = new ExtraAcceptors(fd, (handle) => {
    const more = newServer(ofExtra, 'handles');
    more.listen(handle, backlog, () => takeHandles(more, ofExtra));
    return more;
  });
  const pressure = new AcceptPressure(clock, atEndOfTurn, (isPressed) => extra.note(isPressed));
  const counting: ListenWaiter = {
    onListening: (bound) => waiter.onListening(bound),
    onListenFailed: (errno) => waiter.onListenFailed(errno),
    onConnection: (transport, descriptor) => {
      pressure.note();
      waiter.onConnection(transport, descriptor);
    },
  };
  takeHandles(server, counting);
  return extra;
}

export function bestReadMode(): ReadMode {
  if (streamInternals !== null) return 'handles';
  return canRewrap() ? 'buffers' : 'events';
}

/** Takes accepted handles before Node makes sockets of them. Failed accepts are still handled by Node. */
function takeHandles(server: Server, waiter: ListenWaiter): void {
  const { _handle: listener } = server as unknown as { readonly _handle?: ListenHandle | null };
  if (typeof listener?.onconnection !== 'function' || typeof listener.setNoDelay !== 'function') return; // Not TCP.
  const ofNode = listener.onconnection.bind(listener);
  // On Linux accepted sockets inherit the option: a system call less for each.
  const isHandedDown = process.platform === 'linux' && listener.setNoDelay(true) === 0;
  listener.onconnection = (error, handle): void => {
    if (error !== 0 || handle === undefined) return ofNode(error, handle);
    if (!isHandedDown) handle.setNoDelay(true);
    waiter.onConnection(new HandleTransport(handle), handle.fd);
  };
}

interface ListenHandle {
  onconnection(error: number, handle: StreamHandle | undefined): void;
  setNoDelay(on: boolean): number;
}

/** Connections that wait to be accepted; the system may allow fewer (net.core.somaxconn). */
const backlog = 4096;

/** Each thread accepts at its own duplicate, and all from one queue, so that the loss of a thread loses no connection. */
async function listenAtInherited(server: Server, fd: number, waiter: ListenWaiter, opened: () => void): Promise<void> {
  const handle = await duplicateSocket(fd);
  if ('errno' in handle) waiter.onListenFailed(handle.errno);
  else server.listen(handle, backlog, opened);
}

function listening(server: Server, target: ListenTarget, extra: ExtraAcceptors | null): BoundListener {
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : target.port;
  return {
    address: { host: target.host, port },
    descriptor: (server as unknown as SocketInternals)._handle?.fd ?? -1,
    close: () => {
      extra?.close();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface SocketInternals {
  _handle: { readonly fd?: number } | null;
  _server?: Server | null;
  server?: Server | null;
}

/**
 * Moves an accepted socket's handle to a new socket that reads into our own buffers.
 *
 * Node documents `onread` for connections it opens, not for those it accepts; `handle` is an option it does
 * not document. So this stays in one function, `canRewrap` looks before it is used, and without it
 * connections read through 'data' events.
 */
function rewrapped(server: Server, accepted: Socket): SocketTransport {
  const from = accepted as unknown as SocketInternals;
  const handle = from._handle;
  if (handle === null) return new SocketTransport(accepted, null);
  from._handle = null;
  const reads = new ReadTarget();
  const options = { handle, allowHalfOpen: true, onread: reads.onread };
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  // By these two the server learns that one of its connections has closed.
  const to = socket as unknown as SocketInternals;
  to._server = server;
  to.server = server;
  return new SocketTransport(socket, reads);
}

export function canRewrap(): boolean {
  const probe = new Socket();
  const able = '_handle' in probe && typeof Socket.prototype.resetAndDestroy === 'function';
  probe.destroy();
  return able;
}
