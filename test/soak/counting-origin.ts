import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as passTime } from 'node:timers/promises';

/**
 * An origin that counts requests by their id. `/w/<bytes>/<ms>` is answered with so many bytes after so many
 * milliseconds; with `/d/…` the bytes are spread over that time. The origin reads the body of a POST to its end first.
 * The answer contains the id, so that a client can distinguish its own answer from any other. `/b/<bytes>` is answered
 * with random bytes, made while they are sent, for clients that do not read all of them.
 */
export class CountingOrigin {
  /** How often a request with this id came. */
  readonly seen = new Map<string, number>();
  readonly #server: Server;

  constructor() {
    // Longer than any gateway keeps a connection, so that no close of the origin coincides with a request.
    const options = { keepAliveTimeout: 600_000, requestTimeout: 0, headersTimeout: 0, noDelay: true };
    this.#server = createServer(options, (request, response) => void this.#answer(request, response));
  }

  async listen(): Promise<string> {
    this.#server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : '';
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = String(request.headers['x-request-id'] ?? '');
    this.seen.set(id, (this.seen.get(id) ?? 0) + 1);
    const [, way = '', bytes = '0', ms = '0'] = (request.url ?? '').split('/');
    try {
      let received = 0;
      for await (const part of request as AsyncIterable<Buffer>) received += part.length;
      if (way === 'b') return await writeMuch(response, Number(bytes));
      const body = bodyFor(id, Number(bytes), received);
      response.setHeader('Content-Type', 'text/plain');
      response.setHeader('Content-Length', body.length);
      if (way === 'd') await writeSlowly(response, body, Number(ms));
      else if (Number(ms) > 0) await passTime(Number(ms));
      response.end(way === 'd' ? undefined : body);
    } catch {
      // The gateway has closed the connection; its record says why.
      response.destroy();
    }
  }
}

const block = Buffer.alloc(65_536, 'candor. ');

async function writeMuch(response: ServerResponse, bytes: number): Promise<void> {
  response.setHeader('Content-Length', bytes);
  await pipeline(function* () {
    for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
  }, response);
}

const pieces = 10;

async function writeSlowly(response: ServerResponse, body: Buffer, ms: number): Promise<void> {
  for (let part = 0; part < pieces; part++) {
    const [start, end] = [part, part + 1].map((at) => Math.round((body.length * at) / pieces));
    response.write(body.subarray(start, end));
    await passTime(ms / pieces);
  }
}

/** The expected answer to a request: its id, the length of its body, and as many bytes as it asks for. */
export function bodyFor(id: string, bytes: number, received: number): Buffer {
  const line = `${id} ${received}\n`;
  return Buffer.alloc(Math.max(bytes, line.length), line);
}
