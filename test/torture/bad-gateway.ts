import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { parseRawResponse } from '../../src/testing/raw-response.ts';

/** The part of the torture origin that it needs to know. */
interface Stage {
  readonly plain: { readonly address: { readonly host: string; readonly port: number } };
}

/** What it does to one case; `bytes` are all that the origin had sent when it ended, or fell silent. */
type Sin = (bytes: Buffer, client: Socket, proceed: () => Promise<Buffer>) => void | Promise<void>;

export const failure = (status: string, headers = ''): string =>
  `HTTP/1.1 ${status}\r\n${headers}Content-Length: 5\r\nConnection: close\r\n\r\noops\n`;
export const answers =
  (text: string): Sin =>
  (_, client) =>
    void client.end(text);

/** A gateway that makes one mistake in each of these cases, and forwards everything else unchanged. */
export class BadGateway {
  readonly #server: Server;
  readonly #stage: Stage;
  readonly #sockets = new Set<Socket>();
  /** An answer of another exchange. */
  #kept: string | null = null;

  private constructor(stage: Stage, more: Readonly<Record<string, Sin>>) {
    this.#stage = stage;
    this.#sins = { ...this.#sins, ...more };
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#serve(client));
  }

  static async start(stage: Stage, more: Readonly<Record<string, Sin>> = {}): Promise<BadGateway> {
    const gateway = new BadGateway(stage, more);
    gateway.#server.listen(0, '127.0.0.1');
    await once(gateway.#server, 'listening');
    return gateway;
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #sins: Readonly<Record<string, Sin>> = {
    refused: answers(failure('503 Service Unavailable')),
    unanswered: answers(failure('504 Gateway Timeout', 'Proxy-Status: bad;error=dns_error\r\n')),
    'talks-first': (_, client) => void client.end(),
    'close-at-accept': answers(failure('404 Not Found')),
    'close-before-head': async (_, client, proceed) => {
      await proceed();
      client.end(failure('502 Bad Gateway'));
    },
    'reset-before-head': answers(failure('500 Internal Server Error')),
    silent: () => {},
    'short-length-close': answers('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'),
    'stall-mid-content': answers(failure('502 Bad Gateway')),
    'own-503': answers(failure('503 Service Unavailable')),
    'early-hints': (bytes, client) => void client.end(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)),
    'close-delimited': answers('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello\n'),
    'surplus-later': (bytes, client) => {
      this.#kept = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsurplus\n';
      client.end(bytes.subarray(0, bytes.indexOf('ok\n') + 3));
    },
    'reset-when-idle': (bytes, client) => {
      this.#kept = failure('502 Bad Gateway');
      client.end(bytes);
    },
  };

  #serve(client: Socket): void {
    this.#watch(client);
    let held = Buffer.alloc(0);
    client.on('data', (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      const end = held.indexOf('\r\n\r\n');
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(held.toString('latin1'))?.[1] ?? 0);
      if (end === -1 || held.length < end + 4 + length) return;
      const request = held;
      held = Buffer.alloc(0);
      void this.#answer(request, client);
    });
  }

  async #answer(request: Buffer, client: Socket): Promise<void> {
    const [, method = '', group = '', name = ''] =
      /^(\S+) \/([^/]+)\/fault\/(\S+) /.exec(request.toString('latin1')) ?? [];
    if (name === 'good' && this.#kept !== null) {
      client.end(this.#kept);
      this.#kept = null;
      return;
    }
    const ask = (): Promise<Buffer> => this.#ask(request, method);
    const bytes = group === 'plain' ? await ask() : Buffer.alloc(0);
    const sin = this.#sins[name];
    if (sin !== undefined) return sin(bytes, client, ask);
    client.write(bytes);
    if (parseRawResponse(bytes, method, 'no')?.complete !== true) client.end();
  }

  /** All bytes of the origin, until its answer is complete, or it ends, or is silent for a while. */
  #ask(request: Buffer, method: string): Promise<Buffer> {
    const origin = connect(this.#stage.plain.address);
    this.#watch(origin);
    origin.write(request);
    return new Promise((resolve) => {
      let said = Buffer.alloc(0);
      const tell = (): void => {
        clearTimeout(silence);
        origin.destroy();
        resolve(said);
      };
      let silence = setTimeout(tell, 200);
      origin.on('data', (bytes: Buffer) => {
        said = Buffer.concat([said, bytes]);
        clearTimeout(silence);
        silence = setTimeout(tell, parseRawResponse(said, method, 'no')?.complete === true ? 5 : 200);
      });
      origin.on('close', tell);
    });
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
