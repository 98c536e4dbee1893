import { createServer, type Server } from 'node:net';
import type { Transport } from '../core/transport.ts';
import { duplicateSocket } from './duplicate-socket.ts';
import { errnoOf } from './errno.ts';
import { HandleTransport } from './handle-transport.ts';
import type { StreamHandle } from './stream-handle.ts';

export interface BoundListener {
  /** The address it listens at, with the port that the system chose for port 0. */
  readonly address: { readonly host: string; readonly port: number };
  /** The socket's descriptor in this process; −1 where it is unknown. */
  readonly descriptor: number;
  /** Stops accepting; accepted connections stay open. */
  close(): Promise<void>;
}

interface ListenWaiter {
  onListening(boundListener: BoundListener): void;
  /** Listening failed, or accepting failed later (no descriptors left). */
  onListenFailed(errno: string): void;
  /** `descriptor` is the connection's in this process, always the lowest that was free; −1 where it is unknown. */
  onConnection(transport: Transport, descriptor: number): void;
}

interface ListenTarget {
  readonly host: string;
  readonly port: number;
  /** Several workers share the port, each with a listener of its own. */
  readonly sharePort: boolean;
  /** A socket that the process was started with and that listens there already; absent where there is none. */
  readonly inheritedFd?: number;
  /** As `inheritedFd`, for a socket that belongs to this listener alone and closes with it. */
  readonly ownFd?: number;
}

export function listen(target: ListenTarget, waiter: ListenWaiter): void {
  const server = createServer();
  server.on('error', (error) => waiter.onListenFailed(errnoOf(error)));
  const opened = (): void => {
    takeHandles(server, waiter);
    waiter.onListening(listening(server, target));
  };
  if (target.ownFd !== undefined) server.listen({ fd: target.ownFd, backlog }, opened);
  else if (target.inheritedFd !== undefined) void listenAtInherited(server, target.inheritedFd, waiter, opened);
  else server.listen({ host: target.host, port: target.port, reusePort: target.sharePort, backlog }, opened);
}

/** Takes accepted handles before Node makes sockets of them. Failed accepts are still handled by Node. */
function takeHandles(server: Server, waiter: ListenWaiter): void {
  const listener = handleOf(server);
  const ofNode = listener.onconnection.bind(listener);
  // On Linux accepted sockets inherit the option: a system call less for each.
  const isHandedDown = process.platform === 'linux' && listener.setNoDelay(true) === 0;
  listener.onconnection = (error, handle): void => {
    if (error !== 0 || handle === undefined) return ofNode(error, handle);
    if (!isHandedDown) handle.setNoDelay(true);
    waiter.onConnection(new HandleTransport(handle), handle.fd);
  };
}

function handleOf(server: Server): ListenHandle {
  return (server as unknown as { readonly _handle: ListenHandle })._handle;
}

interface ListenHandle {
  readonly fd: number;
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
    descriptor: handleOf(server).fd,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
