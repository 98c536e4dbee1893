import { lookup } from 'node:dns';
import { connect as connectTcp, type NetConnectOpts, type Socket } from 'node:net';
import type {
  Cancellable,
  Connector,
  ConnectTarget,
  ConnectWaiter,
  ResolveWaiter,
  NetworkFault,
} from '../core/connector.ts';
import type { Transport } from '../core/transport.ts';
import { networkFault } from './errno.ts';
import { HandleTransport } from './handle-transport.ts';
import { Handshake } from './handshake.ts';
import { saveUnreadBytes } from './unread-bytes.ts';
import { ReadTarget, SocketTransport } from './socket-transport.ts';
import { type StreamHandle, streamInternals } from './stream-handle.ts';

/** Connects to endpoints over real sockets. */
export const socketConnector: Connector = { resolve, connect: (target, waiter) => connect(target, waiter) };

/**
 * As `socketConnector`, with descriptors up to that one: a new descriptor is always the lowest free one, so that those above
 * stay free for others. A connection that would have a higher one fails as if none were left.
 */
export function connectorWithin(descriptorMax: number): Connector {
  return { resolve, connect: (target, waiter) => connect(target, waiter, undefined, descriptorMax) };
}

function resolve(name: string, waiter: ResolveWaiter): Cancellable {
  let wanted = true;
  lookup(name, { all: true, order: 'verbatim' }, (error, addresses) => {
    if (!wanted) return;
    if (error !== null) waiter.onResolveFailed(networkFault('dns', error));
    else waiter.onResolved(addresses.map((entry) => entry.address));
  });
  return {
    cancel() {
      wanted = false;
    },
  };
}

/** `way`: how a plain TCP connection is read and written once Node has connected it. */
export function connect(
  target: ConnectTarget,
  waiter: ConnectWaiter,
  readMode: 'handles' | 'buffers' = streamInternals === null ? 'buffers' : 'handles',
  descriptorMax = Infinity,
): Cancellable {
  const reads = new ReadTarget();
  const socket = connectTcp({ ...addressOf(target), onread: reads.onread });
  const failed = (error: Error): void => {
    socket.destroy();
    waiter.onConnectFailed(networkFault('connect', error));
  };
  socket.once('error', failed);
  if (descriptorMax !== Infinity) process.nextTick(leaveReserve, socket, descriptorMax);
  let handshake: Handshake | null = null;
  socket.once('connect', () => {
    socket.off('error', failed);
    if (target.header != null) sendHeader(socket, target.header);
    waiter.onTransportConnected();
    if (target.tls !== null) handshake = beginHandshake(socket, reads, target, waiter);
    else waiter.onConnected(plainTransport(socket, reads, target, readMode));
  });
  return {
    cancel() {
      if (handshake === null) cancel(socket);
      else handshake.cancel();
    },
  };
}

/** Node makes the socket in the next tick; its descriptor is known from then on. */
function leaveReserve(socket: Socket, descriptorMax: number): void {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  if (socket.destroyed || !socket.connecting || (handle?.fd ?? -1) <= descriptorMax) return;
  socket.destroy(Object.assign(new Error('The other descriptors are reserved.'), { code: 'EMFILE' }));
}

/**
 * The header leaves at once: bytes that wait in a transport are taken for the request's. An error of the write shows
 * again on the connection's next read or write, and its report must not end the process where nothing else listens.
 */
function sendHeader(socket: Socket, header: Uint8Array): void {
  socket.on('error', () => undefined);
  socket.write(header);
}

function plainTransport(
  socket: Socket,
  reads: ReadTarget,
  target: ConnectTarget,
  readMode: 'handles' | 'buffers',
): Transport {
  const handle = target.kind === 'tcp' && readMode === 'handles' ? takeHandle(socket) : null;
  if (handle !== null) return new HandleTransport(handle, { savesUnread: true });
  const transport = new SocketTransport(socket, reads, unixPath(target));
  saveUnreadBytes(socket, transport);
  return transport;
}

/** Takes the handle out of a socket that Node has connected. Null where the handle cannot be taken. */
function takeHandle(socket: Socket): StreamHandle | null {
  const from = socket as unknown as { _handle?: StreamHandle | null };
  const handle = from._handle ?? null;
  if (handle !== null) from._handle = null;
  return handle;
}

function addressOf(target: ConnectTarget): NetConnectOpts {
  const common = { allowHalfOpen: true, noDelay: true, autoSelectFamily: false };
  return target.kind === 'unix'
    ? { ...common, path: target.path }
    : { ...common, host: target.address, port: target.port };
}

function beginHandshake(
  plain: Socket,
  reads: ReadTarget,
  target: ConnectTarget,
  waiter: ConnectWaiter,
): Handshake | null {
  if (target.tls === null) return null;
  return new Handshake(plain, reads, target.tls, {
    onSecure(secure, tls) {
      waiter.onConnected(new SocketTransport(secure, null, unixPath(target), { plain, tls }));
    },
    onHandshakeFailed: (fault: NetworkFault) => waiter.onConnectFailed(fault),
  });
}

function unixPath(target: ConnectTarget): string | null {
  return target.kind === 'unix' ? target.path : null;
}

/** Ignores the errors of a socket that was given up. */
function cancel(socket: Socket): void {
  socket.removeAllListeners('error');
  socket.on('error', () => undefined);
  socket.removeAllListeners('connect');
  socket.destroy();
}
