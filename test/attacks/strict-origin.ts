import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { StrictReader, type StrictRequest } from './strict-reader.ts';

/**
 * An origin that accepts only what the grammar allows, counts the requests, and reports all bytes that two readers
 * could take in two ways. An unfinished request is not counted, whatever its beginning.
 */
export class StrictOrigin {
  readonly requests: StrictRequest[] = [];
  readonly violations: string[] = [];
  port = 0;
  /** The status to answer with; the length differs, so that a response to a wrong client is noticed. */
  answer: (request: StrictRequest) => string = answerText;
  readonly #server: Server = createServer((socket) => this.#accept(socket));
  readonly #open = new Set<Socket>();

  static async start(): Promise<StrictOrigin> {
    const origin = new StrictOrigin();
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    const address = origin.#server.address();
    origin.port = typeof address === 'object' && address !== null ? address.port : 0;
    return origin;
  }

  forget(): void {
    this.requests.length = 0;
    this.violations.length = 0;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    const reader = new StrictReader((violation) => this.violations.push(violation));
    let early = false;
    this.#open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#open.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes.toString('latin1'));
      for (let request = reader.next(); request !== null; request = reader.next()) {
        this.requests.push(request);
        if (!early) socket.write(Buffer.from(this.answer(request), 'latin1'));
        early = false;
      }
      const begun = reader.begun();
      if (begun === null || early || !begun.headers.some(([name]) => name === 'x-early')) return;
      early = true;
      socket.write(Buffer.from(this.answer(begun), 'latin1'));
    });
  }
}

/** `/status/204` is answered with 204, everything else with 200; `X-Echo` has the id of the request. */
function answerText({ line, headers }: StrictRequest): string {
  const [method = '', target = ''] = line.split(' ');
  const status = Number(/^\/status\/(\d{3})$/.exec(target)?.[1] ?? 200);
  const id = headers.find(([name]) => name === 'x-request-id')?.[1] ?? '';
  const body = `you asked ${line}\n`;
  const empty = status === 204 || status === 304;
  const length = empty ? '' : `Content-Length: ${body.length}\r\n`;
  const head = `HTTP/1.1 ${status} Fine\r\nContent-Type: text/plain\r\nX-Echo: ${id}\r\n${length}\r\n`;
  return empty || method === 'HEAD' ? head : head + body;
}
