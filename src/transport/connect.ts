import { lookup } from 'node:dns';
import { connect as connectTcp, isIP, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type {
  Cancellable,
  Connector,
  ConnectTarget,
  ConnectWaiter,
  ResolveWaiter,
  TlsTarget,
} from '../core/connector.ts';
import type { TlsFacts } from '../core/transport.ts';
import { worldFault } from './errno.ts';
import { ReadTarget, SocketTransport } from './socket-transport.ts';

/** The real way to endpoints. */
export const socketConnector: Connector = { resolve, connect };

function resolve(name: string, waiter: ResolveWaiter): Cancellable {
  let wanted = true;
  lookup(name, { all: true, order: 'verbatim' }, (error, addresses) => {
    if (!wanted) return;
    if (error !== null) waiter.onResolveFailed(worldFault('dns', error));
    else waiter.onResolved(addresses.map((entry) => entry.address));
  });
  return {
    cancel() {
      wanted = false;
    },
  };
}

function connect(target: ConnectTarget, waiter: ConnectWaiter): Cancellable {
  const reads = target.tls === null ? new ReadTarget() : null;
  const socket = connectTcp({ ...addressOf(target), ...(reads === null ? {} : { onread: reads.onread }) });
  const failed = (error: Error): void => {
    socket.destroy();
    waiter.onConnectFailed(worldFault('connect', error));
  };
  socket.once('error', failed);
  let current: Socket = socket;
  socket.once('connect', () => {
    socket.off('error', failed);
    waiter.onTransportConnected();
    if (target.tls !== null) current = handshakeOrFail(socket, target, target.tls, waiter);
    else waiter.onConnected(new SocketTransport(socket, reads, null, unixPath(target)));
  });
  return { cancel: () => cancel(current) };
}

function addressOf(target: ConnectTarget): NetConnectOpts {
  const common = { allowHalfOpen: true, noDelay: true, autoSelectFamily: false };
  return target.kind === 'unix'
    ? { ...common, path: target.path }
    : { ...common, host: target.address, port: target.port };
}

/** What Node refuses to begin with is a failure of this connection, and must not end the thread. */
function handshakeOrFail(plain: Socket, target: ConnectTarget, tls: TlsTarget, waiter: ConnectWaiter): Socket {
  try {
    return handshake(plain, target, tls, waiter);
  } catch (error) {
    plain.on('error', () => undefined);
    plain.destroy();
    waiter.onConnectFailed(worldFault('tls', error));
    return plain;
  }
}

function handshake(plain: Socket, target: ConnectTarget, tls: TlsTarget, waiter: ConnectWaiter): Socket {
  const secure = connectTls({
    socket: plain,
    // The name that the certificate must bear. An address is no name to ask for (RFC 6066 §3), and Node throws at one.
    host: tls.serverName,
    ...(isIP(tls.serverName) === 0 ? { servername: tls.serverName } : {}),
    rejectUnauthorized: tls.verify,
    ALPNProtocols: ['http/1.1'],
    ...(tls.ca === null ? {} : { ca: tls.ca }),
  });
  const failed = (error: Error): void => {
    secure.destroy();
    waiter.onConnectFailed(worldFault('tls', error));
  };
  secure.once('error', failed);
  secure.once('secureConnect', () => {
    secure.off('error', failed);
    waiter.onConnected(new SocketTransport(secure, null, tlsFacts(secure, tls), unixPath(target)));
  });
  return secure;
}

function tlsFacts(secure: TLSSocket, tls: TlsTarget): TlsFacts {
  const alpn = secure.alpnProtocol;
  return {
    version: secure.getProtocol() ?? '',
    serverName: tls.serverName,
    alpn: typeof alpn === 'string' ? alpn : null,
  };
}

function unixPath(target: ConnectTarget): string | null {
  return target.kind === 'unix' ? target.path : null;
}

/** A socket that is given up may still fail; nobody wants to hear of it. */
function cancel(socket: Socket): void {
  socket.removeAllListeners('error');
  socket.on('error', () => undefined);
  socket.removeAllListeners('connect');
  socket.destroy();
}
