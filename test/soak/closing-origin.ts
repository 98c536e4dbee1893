import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

interface ClosingOriginOptions {
  /** The idle time after which a connection is closed; drawn once for each. */
  readonly idleMs: () => number;
  /** The delay of the close, and of the reset after it, on the way to the gateway. */
  readonly latencyMs: number;
}

/** One connection. */
interface Line {
  readonly socket: Socket;
  readonly idleMs: number;
  text: string;
  /** Requests that were executed on it. */
  served: number;
  closing: boolean;
  crossed: boolean;
}

/**
 * An origin that closes idle connections, as most do, at some distance from its gateway. A request that is sent while
 * the FIN is in transit meets a closed socket, and is answered with a RST, which takes as long. No such request is
 * executed.
 */
export class ClosingOrigin {
  /** How often each request came, executed or not, by method and target. */
  readonly seen = new Map<string, number>();
  /** Requests that came on a connection whose close was in transit, by method and target. None was executed. */
  readonly crossed = new Set<string>();
  connections = 0;
  /** Connections that were closed because they were idle. */
  closedIdle = 0;
  readonly #server: Server;
  readonly #options: ClosingOriginOptions;
  readonly #sockets = new Set<Socket>();

  constructor(options: ClosingOriginOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  async listen(): Promise<string> {
    this.#server.listen({ port: 0, host: '127.0.0.1' });
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : '';
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    const line = { socket, idleMs: this.#options.idleMs(), text: '', served: 0, closing: false, crossed: false };
    let timer = this.#closeLater(line);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
    socket.on('data', (text: string) => {
      line.text += text;
      if (line.closing) return this.#cross(line);
      clearTimeout(timer);
      while (this.#answer(line));
      timer = this.#closeLater(line);
    });
  }

  /** Executes one request; false if it is incomplete. */
  #answer(line: Line): boolean {
    const headEnd = line.text.indexOf('\r\n\r\n');
    if (headEnd < 0) return false;
    const head = line.text.slice(0, headEnd);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (line.text.length < headEnd + 4 + length) return false;
    const [, target = ''] = this.#note(line.text);
    line.text = line.text.slice(headEnd + 4 + length);
    line.served++;
    const body = `to ${target}`;
    line.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    return true;
  }

  /** Counts a request, and returns its method and target. */
  #note(text: string): readonly string[] {
    const words = text.split(' ', 2);
    const request = words.join(' ');
    this.seen.set(request, (this.seen.get(request) ?? 0) + 1);
    return words;
  }

  #closeLater(line: Line): NodeJS.Timeout {
    return setTimeout(() => {
      line.closing = true;
      this.closedIdle++;
      setTimeout(() => line.socket.end(), this.#options.latencyMs);
    }, line.idleMs);
  }

  /**
   * A request has met the close. It counts once, in however many reads it comes, and only if the connection had served
   * before: the first request of a connection reuses nothing.
   */
  #cross(line: Line): void {
    if (line.crossed) return;
    line.crossed = true;
    const request = this.#note(line.text).join(' ');
    if (line.served > 0) this.crossed.add(request);
    // One turn later than the FIN, if both are due at once: Node refuses to reset a socket that is about to send its
    // FIN.
    setTimeout(() => setImmediate(() => line.socket.resetAndDestroy()), this.#options.latencyMs);
  }
}
