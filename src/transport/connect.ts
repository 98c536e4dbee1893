import { lookup } from 'node:dns';
import { connect as connectTcp, type NetConnectOpts, type Socket } from 'node:net';
import type { Cancellable, Connector, ConnectTarget, ConnectWaiter, ResolveWaiter } from '../core/connector.ts';
import type { Transport } from '../core/transport.ts';
import { networkFault } from './errno.ts';
import { unixFacts } from './handle-facts.ts';
import { HandleTransport } from './handle-transport.ts';
import { Handshake } from './handshake.ts';
import type { StreamHandle } from './stream-handle.ts';
import { TlsTransport } from './socket-transport.ts';
import { ReadTarget } from './tls-wire.ts';

/** Connects to endpoints over real sockets. */
export const socketConnector: Connector = { resolve, connect: (target, waiter) => connect(target, waiter) };

/**
 * As `socketConnector`, with descriptors up to that one: a new descriptor is always the lowest free one, so that those above
 * stay free for others. A connection that would have a higher one fails as if none were left.
 */
export function connectorWithin(descriptorMax: number): Connector {
  return { resolve, connect: (target, waiter) => connect(target, waiter, descriptorMax) };
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

export function connect(target: ConnectTarget, waiter: ConnectWaiter, descriptorMax = Infinity): Cancellable {
  const { tls } = target;
  const reads = tls === null ? null : new ReadTarget();
  const socket = connectTcp({ ...addressOf(target), ...(reads === null ? {} : { onread: reads.onread }) });
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
    if (tls === null || reads === null) return waiter.onConnected(plainTransport(socket, target));
    handshake = new Handshake(socket, reads, tls, {
      onSecure: (secure, facts) => waiter.onConnected(new TlsTransport(secure, socket, facts, unixPath(target))),
      onHandshakeFailed: (fault) => waiter.onConnectFailed(fault),
    });
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

/** Takes the handle out of a socket that Node has connected. */
function plainTransport(socket: Socket, target: ConnectTarget): Transport {
  const from = socket as unknown as { _handle: StreamHandle | null };
  const handle = from._handle as StreamHandle;
  from._handle = null;
  return new HandleTransport(handle, {
    savesUnread: true,
    ...(target.kind === 'unix' ? { facts: unixFacts(target.path) } : {}),
  });
}

function addressOf(target: ConnectTarget): NetConnectOpts {
  const common = { allowHalfOpen: true, noDelay: true, autoSelectFamily: false };
  return target.kind === 'unix'
    ? { ...common, path: target.path }
    : { ...common, host: target.address, port: target.port };
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
