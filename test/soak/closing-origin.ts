import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

export interface ClosingOriginOptions {
  /** A connection is closed when it has been idle for so long. Asked once for each. */
  readonly idleMs: () => number;
  /** How long the close, and the reset after it, take on their way to the gateway. */
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
 * An origin that closes idle connections, as most do, some way from its gateway: what is sent to it while its FIN is on
 * the way meets a closed socket, and is answered by RST, which takes as long. Nothing that comes then is executed.
 */
export class ClosingOrigin {
  /** How often each request came here, executed or not, by method and target. */
  readonly seen = new Map<string, number>();
  /** Requests that came on a connection whose close was on the way, by method and target. None was executed. */
  readonly crossed = new Set<string>();
  connections = 0;
  /** Connections that were closed for having been idle. */
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

  /** Executes one request of what has come; false when it is not whole. */
  #answer(line: Line): boolean {
    const headEnd = line.text.indexOf('\r\n\r\n');
    if (headEnd < 0) return false;
    const head = line.text.slice(0, headEnd);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (line.text.length < headEnd + 4 + length) return false;
    const [, target = ''] = this.#note(line.text);
    line.text = line.text.slice(headEnd + 4 + length);
    line.served++;
    const content = `to ${target}`;
    line.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n${content}`);
    return true;
  }

  /** Counts a request, and says its method and target. */
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
   * A request has met the close. It is counted once, however many reads it comes in, and only where the connection had
   * served before: on a fresh one nothing was used again.
   */
  #cross(line: Line): void {
    if (line.crossed) return;
    line.crossed = true;
    const request = this.#note(line.text).join(' ');
    if (line.served > 0) this.crossed.add(request);
    // A turn later than the FIN, should both be due at once: Node refuses to reset what is about to send its FIN.
    setTimeout(() => setImmediate(() => line.socket.resetAndDestroy()), this.#options.latencyMs);
  }
}
