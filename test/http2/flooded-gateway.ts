import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { RawClient } from '../../src/testing/testing.ts';
import { OwnProcess } from '../gateway/own-process.ts';
import { headersFrame, requestHeaders } from './frames.ts';
import { RawHttp2 } from './raw-http2.ts';

/** The bytes of the large response. */
export const largeBytes = 1 << 20;

/** The ports of the endpoints. */
export interface FloodedPorts {
  readonly silent: number;
  readonly large: number;
}

/** An endpoint that never answers, and one with large responses. */
export class FloodedEndpoints {
  readonly #silent = createTcpServer((socket) => void socket.on('error', () => {}).resume());
  readonly #large = createServer((_, response) => void response.end(Buffer.alloc(largeBytes, 'x')));

  async listen(): Promise<FloodedPorts> {
    const portOf = async (server: TcpServer | Server): Promise<number> => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as { port: number }).port;
    };
    return { silent: await portOf(this.#silent), large: await portOf(this.#large) };
  }

  close(): void {
    this.#silent.close();
    this.#large.close();
    this.#large.closeAllConnections();
  }
}

/** A gateway in a process of its own, before such endpoints. */
export class FloodedGateway {
  readonly process: OwnProcess;
  readonly #endpoints: FloodedEndpoints | null;

  private constructor(process: OwnProcess, endpoints: FloodedEndpoints | null) {
    this.process = process;
    this.#endpoints = endpoints;
  }

  /** `client`: settings of `client:`. */
  static async start(client = ''): Promise<FloodedGateway> {
    const endpoints = new FloodedEndpoints();
    try {
      return await FloodedGateway.before(await endpoints.listen(), client, endpoints);
    } catch (error) {
      endpoints.close();
      throw error;
    }
  }

  /** Before endpoints in another process, or before its own. */
  static async before(
    { silent, large }: FloodedPorts,
    client = '',
    endpoints: FloodedEndpoints | null = null,
    probe: string | null = null,
  ): Promise<FloodedGateway> {
    const yaml = `
workers: 1
client: { connections_per_address_max: none${client === '' ? '' : `, ${client}`} }
upstreams:
  silent: { endpoints: "127.0.0.1:${silent}", check: none, connections: { max: 1000 } }
  large: { endpoints: "127.0.0.1:${large}", check: none, connections: { max: 1000 } }
routes:
  - { path: /hang, to: silent }
  - { path: /large, to: large }
  - { path: /, respond: { body: here } }
`;
    return new FloodedGateway(await OwnProcess.start(yaml, 8192, null, true, probe, true), endpoints);
  }

  /** A new connection that has sent its preface. */
  connect(...with_: readonly Buffer[]): RawHttp2 {
    const line = new RawHttp2(new RawClient({ host: '127.0.0.1', port: this.process.port }));
    line.begin(...with_);
    return line;
  }

  /** As above, from another address of this machine. */
  connectFrom(localAddress: string): RawHttp2 {
    const [host, { port }] = ['127.0.0.1', this.process];
    const open = (): Socket => connect({ host, port, localAddress, allowHalfOpen: true, noDelay: true });
    const line = new RawHttp2(new RawClient({ host, port, open }));
    line.begin();
    return line;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    this.#endpoints?.close();
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
    this.#line.send(headersFrame(this.#stream, requestHeaders()));
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
