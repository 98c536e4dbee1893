import type { Transport } from '../../src/core/transport.ts';
import { type BunListener, bunSockets, ownerHandlers } from './bun-sockets.ts';
import { BunTransport } from './bun-transport.ts';

/** Listens on 127.0.0.1, with the port that the system chooses for 0. Throws where it cannot. */
export function bunListen(port: number, onConnection: (transport: Transport) => void): BunListener {
  return bunSockets().listen({
    hostname: '127.0.0.1',
    port,
    allowHalfOpen: true,
    socket: {
      ...ownerHandlers,
      open(socket) {
        const transport = new BunTransport(socket);
        socket.data = transport;
        onConnection(transport);
      },
    },
  });
}
