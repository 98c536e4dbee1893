import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** An origin that answers as soon as the first bytes of a request have come, before the rest has. */
export class EarlyOrigin {
  port = 0;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  constructor(answer: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#open.delete(socket));
      socket.once('data', () => {
        answer(socket);
        if (!socket.destroyed && !socket.isPaused()) socket.on('data', () => {});
      });
    });
  }

  static async start(answer: (socket: Socket) => void): Promise<EarlyOrigin> {
    const origin = new EarlyOrigin(answer);
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    const address = origin.#server.address();
    origin.port = typeof address === 'object' && address !== null ? address.port : 0;
    return origin;
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
  }
}
