import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a port of this machine that can be interrupted, as when a tunnel or a network breaks. */
export class BreakablePath {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isBroken = false;

  private constructor(server: Server, to: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#forward(socket, to));
  }

  static async open(to: number): Promise<BreakablePath> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new BreakablePath(server, to);
  }

  break(): void {
    this.#isBroken = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  repair(): void {
    this.#isBroken = false;
  }

  close(): void {
    this.break();
    this.#server.close();
  }

  #forward(socket: Socket, to: number): void {
    if (this.#isBroken) return void socket.destroy();
    const onward = connect(to, '127.0.0.1');
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
