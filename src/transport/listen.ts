import { createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net';
import type { Transport } from '../core/transport.ts';
import { duplicateSocket } from './duplicate-socket.ts';
import { errnoOf } from './errno.ts';
import { HandleTransport } from './handle-transport.ts';
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
}

/**
 * How accepted connections are read: from libuv's handle without a socket; through a socket of Node's, into our own buffers; or
 * through its 'data' events, which is all that Node documents. One suite of tests runs against all three (ADR 5).
 */
export type ReadMode = 'handles' | 'buffers' | 'events';

export function listen(target: ListenTarget, waiter: ListenWaiter, readMode: ReadMode = bestReadMode()): void {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: readMode !== 'events' });
  server.on('error', (error) => waiter.onListenFailed(errnoOf(error)));
  server.on('connection', (socket) => {
    const descriptor = (socket as unknown as SocketInternals)._handle?.fd ?? -1;
    const transport = readMode === 'events' ? new SocketTransport(socket, null) : rewrapped(server, socket);
    waiter.onConnection(transport, descriptor);
  });
  const opened = (): void => {
    if (readMode === 'handles') takeHandles(server, waiter);
    waiter.onListening(listening(server, target));
  };
  if (target.ownFd !== undefined) server.listen({ fd: target.ownFd, backlog }, opened);
  else if (target.inheritedFd !== undefined) void listenAtInherited(server, target.inheritedFd, waiter, opened);
  else server.listen({ host: target.host, port: target.port, reusePort: target.sharePort, backlog }, opened);
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

function listening(server: Server, target: ListenTarget): BoundListener {
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : target.port;
  return {
    address: { host: target.host, port },
    descriptor: (server as unknown as SocketInternals)._handle?.fd ?? -1,
    close: () => new Promise((resolve) => server.close(() => resolve())),
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
