import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection whose bytes a test writes and reads itself: it sees when the server closes it. */
export class RawConnection {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  received = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => void socket.once('close', () => resolve()));
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => (this.received += bytes.toString('latin1')));
  }

  static async to(url: string): Promise<RawConnection> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const connection = new RawConnection(socket);
    await once(socket, 'connect');
    return connection;
  }

  send(head: string): void {
    this.socket.write(`${head}\r\nHost: shop\r\n\r\n`);
  }

  /** Resolves with all that has come once this has. */
  async receives(text: string): Promise<string> {
    while (!this.received.includes(text)) {
      if (this.socket.destroyed) throw new Error(`closed after ${JSON.stringify(this.received)}`);
      await Promise.race([once(this.socket, 'data'), this.closed]);
    }
    return this.received;
  }
}
