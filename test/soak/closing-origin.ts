import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as passTime } from 'node:timers/promises';

export interface ClosingOriginOptions {
  /** A connection is closed when it has been idle for so long. Asked once for each. */
  readonly idleMs: () => number;
  /** How long the close, and the reset after it, take on their way to the gateway. */
  readonly latencyMs: number;
}

/**
 * An origin that closes idle connections, as most do, a little way from its gateway: what is sent to it while its FIN
 * is on the way meets a closed socket, and is answered by RST. Nothing that comes then has been seen by the program.
 */
export class ClosingOrigin {
  /** How often each request was executed, by its target. */
  readonly seen = new Map<string, number>();
  connections = 0;
  /** Connections that were closed for having been idle. */
  closedIdle = 0;
  /** Requests that met a connection whose close was on the way. */
  crossed = 0;
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
    const state = { closed: false, text: '', idleMs: this.#options.idleMs() };
    let timer = this.#closeLater(socket, state);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
    socket.on('data', (text: string) => {
      if (state.closed) return void this.#cross(socket);
      clearTimeout(timer);
      state.text += text;
      while (this.#answer(socket, state));
      timer = this.#closeLater(socket, state);
    });
  }

  /** One request from what has come; false when it is not whole. */
  #answer(socket: Socket, state: { text: string }): boolean {
    const headEnd = state.text.indexOf('\r\n\r\n');
    if (headEnd < 0) return false;
    const head = state.text.slice(0, headEnd);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (state.text.length < headEnd + 4 + length) return false;
    state.text = state.text.slice(headEnd + 4 + length);
    const target = head.split(' ', 2)[1] ?? '';
    this.seen.set(target, (this.seen.get(target) ?? 0) + 1);
    const content = `to ${target}`;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n${content}`);
    return true;
  }

  #closeLater(socket: Socket, state: { closed: boolean; idleMs: number }): NodeJS.Timeout {
    return setTimeout(() => {
      state.closed = true;
      this.closedIdle++;
      setTimeout(() => socket.end(), this.#options.latencyMs);
    }, state.idleMs);
  }

  async #cross(socket: Socket): Promise<void> {
    this.crossed++;
    await passTime(this.#options.latencyMs);
    socket.resetAndDestroy();
  }
}
