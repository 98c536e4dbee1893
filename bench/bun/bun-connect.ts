import type { Cancellable, Connector, ConnectTarget, ConnectWaiter } from '../../src/core/connector.ts';
import { socketConnector } from '../../src/transport/connect.ts';
import { networkFault } from '../../src/transport/errno.ts';
import { type BunSocket, bunSockets, ownerHandlers, type SocketHandlers, type SocketOwner } from './bun-sockets.ts';
import { BunTransport } from './bun-transport.ts';

/** The way to endpoints over Bun's sockets, without TLS. */
export const bunConnector: Connector = {
  resolve: (name, waiter) => socketConnector.resolve(name, waiter),
  connect,
};

const handlers: SocketHandlers = { ...ownerHandlers, open: (socket) => socket.data.onOpen(socket) };

function connect(target: ConnectTarget, waiter: ConnectWaiter): Cancellable {
  const connecting = new Connecting(target, waiter);
  if (target.tls !== null) {
    waiter.onConnectFailed({ stage: 'tls', code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', alertId: null });
    return connecting;
  }
  const place = target.kind === 'unix' ? { unix: target.path } : { hostname: target.address, port: target.port };
  bunSockets()
    .connect({ ...place, allowHalfOpen: true, data: connecting, socket: handlers })
    .catch(() => undefined); // `onConnectError` has told.
  return connecting;
}

/** Bun has no way to give up a connection that does not stand yet: it is closed as soon as it does. */
class Connecting implements SocketOwner, Cancellable {
  readonly #target: ConnectTarget;
  #waiter: ConnectWaiter | null;

  constructor(target: ConnectTarget, waiter: ConnectWaiter) {
    this.#target = target;
    this.#waiter = waiter;
  }

  cancel(): void {
    this.#waiter = null;
  }

  onOpen(socket: BunSocket): void {
    const waiter = this.#waiter;
    if (waiter === null) return socket.close();
    const transport = new BunTransport(socket, this.#target.kind === 'unix' ? this.#target.path : null);
    socket.data = transport;
    waiter.onTransportConnected();
    waiter.onConnected(transport);
  }

  onConnectError(error: Error): void {
    this.#waiter?.onConnectFailed(networkFault('connect', error));
    this.#waiter = null;
  }

  onBytes(): void {}
  onEnd(): void {}
  onDrain(): void {}
  onClose(): void {}
}
