import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** An answer to a request that no client has sent. */
export const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL';

/** What the origin sends in answer to one attacked request: bytes, and pauses in milliseconds. */
export type Steps = readonly (string | number)[];

/**
 * An origin that answers `/mine/<id>` with the id, and `/attacked/<id>` with the given steps, in which `#` stands for
 * the id. It answers the requests of a connection one after another.
 */
export class PoisoningOrigin {
  steps: Steps = [];
  /** Sent as soon as a connection is accepted. */
  atAccept = '';
  /** Connections accepted so far. */
  accepted = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async start(): Promise<PoisoningOrigin> {
    const origin = new PoisoningOrigin();
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    return origin;
  }

  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get open(): number {
    return this.#sockets.size;
  }

  /** Sends this on every open connection, whether it has a request in flight or not. */
  send(bytes: string): void {
    for (const socket of this.#sockets) socket.write(bytes, 'latin1');
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.accepted++;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    if (this.atAccept !== '') socket.write(this.atAccept, 'latin1');
    let received = '';
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        this.#answer(socket, received.slice(0, end));
        received = received.slice(end + 4);
      }
    });
  }

  #answer(socket: Socket, head: string): void {
    const [, method = '', what = '', id = ''] = /^(\w+) \/(\w+)\/(\S+) /.exec(head) ?? [];
    if (what === 'attacked') return play(socket, this.steps, id);
    const body = `you are ${id}`;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${method === 'HEAD' ? '' : body}`);
  }
}

function play(socket: Socket, steps: Steps, id: string): void {
  const [step, ...rest] = steps;
  if (step === undefined || socket.destroyed) return;
  if (typeof step === 'number') {
    setTimeout(play, step, socket, rest, id);
    return;
  }
  socket.write(step.replaceAll('#', id), 'latin1');
  play(socket, rest, id);
}
