import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { RawClient } from '../../src/testing/testing.ts';
import { OwnProcess } from '../gateway/own-process.ts';
import { headers, requestFields } from './frames.ts';
import { RawHttp2 } from './raw-http2.ts';

/** The bytes of the large response. */
export const largeBytes = 1 << 20;

/** A gateway in a process of its own, before an endpoint that never answers and one with large responses. */
export class FloodedGateway {
  readonly process: OwnProcess;
  readonly #silent: TcpServer;
  readonly #large: Server;

  private constructor(process: OwnProcess, silent: TcpServer, large: Server) {
    this.process = process;
    this.#silent = silent;
    this.#large = large;
  }

  /** `client`: settings of `client:`. */
  static async start(client = ''): Promise<FloodedGateway> {
    const silent = createTcpServer((socket) => void socket.on('error', () => {}).resume());
    const body = Buffer.alloc(largeBytes, 'x');
    const large = createServer((_, response) => void response.end(body));
    for (const server of [silent, large]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    const portOf = (server: TcpServer | Server): number => (server.address() as { port: number }).port;
    const yaml = `
workers: 1
client: { connections_per_address_max: none${client === '' ? '' : `, ${client}`} }
upstreams:
  silent: { endpoints: "127.0.0.1:${portOf(silent)}", check: none, connections: { max: 1000 } }
  large: { endpoints: "127.0.0.1:${portOf(large)}", check: none, connections: { max: 1000 } }
routes:
  - { path: /hang, to: silent }
  - { path: /large, to: large }
  - { path: /, respond: { body: here } }
`;
    try {
      return new FloodedGateway(await OwnProcess.start(yaml, 8192, null, true), silent, large);
    } catch (error) {
      silent.close();
      large.close();
      throw error;
    }
  }

  /** A new connection that has sent its preface. */
  connect(...with_: readonly Buffer[]): RawHttp2 {
    const line = new RawHttp2(new RawClient({ host: '127.0.0.1', port: this.process.port }));
    line.begin(...with_);
    return line;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    this.#silent.close();
    this.#large.close();
    this.#large.closeAllConnections();
  }
}

/** A client that asks for a small response now and then, on one connection. */
export class QuietClient {
  readonly tookMs: number[] = [];
  readonly #line: RawHttp2;
  #stream = -1;

  constructor(line: RawHttp2) {
    this.#line = line;
  }

  /** One request. Returns the status; null: none came. */
  async ask(): Promise<number | null> {
    this.#stream += 2;
    const beganAt = performance.now();
    this.#line.send(headers(this.#stream, requestFields()));
    const answer = await this.#line.answer(this.#stream);
    this.tookMs.push(performance.now() - beganAt);
    // What has been judged is of no more use: a long run must not look through it again.
    this.#line.forget();
    return answer?.status ?? null;
  }

  close(): void {
    this.#line.close();
  }
}
