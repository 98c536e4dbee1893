import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/**
 * An origin for `promises.ts`, also for pages of other origins: the fault origin answers no preflight. `id` in the query tells which
 * requests belong together, since a header would cause one.
 */
export class RuntimeOrigin {
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));
  readonly #seen = new Map<string, { sent: number; preflights: number; deadlines: number; keys: string[] }>();
  /** What is served to a browser at `/`. */
  page = '';
  script = '';

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://origin.test');
    const seen = this.#seenOf(query.get('id') ?? '');
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Expose-Headers', 'Retry-After');
    if (request.method === 'OPTIONS') {
      seen.preflights++;
      response.setHeader('Access-Control-Allow-Headers', '*');
      response.setHeader('Access-Control-Allow-Methods', '*');
      response.end();
      return;
    }
    if (pathname === '/report') {
      response.end(JSON.stringify(seen));
      return;
    }
    seen.sent++;
    const key = request.headers['idempotency-key'];
    if (key !== undefined) seen.keys.push(String(key));
    if (request.headers['x-envoy-expected-rq-timeout-ms'] !== undefined) seen.deadlines++;
    const body = await text(request);
    switch (pathname) {
      case '/':
        return void response.setHeader('Content-Type', 'text/html').end(this.page);
      case '/script.js':
        return void response.setHeader('Content-Type', 'text/javascript').end(this.script);
      case '/fails':
        return fail(response, query, seen.sent, body);
      case '/moved':
        return void response.writeHead(303, { Location: query.get('to') ?? '/' }).end();
      case '/silent':
        return;
      case '/cut':
        return void response.socket?.resetAndDestroy();
      case '/half':
        response.setHeader('Content-Length', 10);
        if (seen.sent > 1) return void response.end('whole body');
        return void response.write('whole', () => response.socket?.destroy());
      case '/bytes':
        return void response.end(Buffer.alloc(Number(query.get('count'))));
      case '/redirect':
        return void response.writeHead(302, { Location: '/echo' }).end();
      default:
        return void response.end(body);
    }
  }

  #seenOf(id: string): { sent: number; preflights: number; deadlines: number; keys: string[] } {
    const seen = this.#seen.get(id) ?? { sent: 0, preflights: 0, deadlines: 0, keys: [] };
    this.#seen.set(id, seen);
    return seen;
  }
}

/** The first `times` requests are answered with 503; with `delivery`, as a gateway of Candor's does it. */
function fail(response: ServerResponse, query: URLSearchParams, number: number, body: string): void {
  if (number > Number(query.get('times'))) return void response.end(`served ${body}`.trim());
  response.statusCode = 503;
  const after = query.get('after');
  if (after !== null) response.setHeader('Retry-After', after);
  const delivery = query.get('delivery');
  if (delivery === null) return void response.end('busy');
  response.setHeader('Content-Type', 'application/problem+json');
  const problem = { status: 503, shape: 'unreachable', cause: 'connect_refused', whose: 'application', delivery };
  response.end(JSON.stringify(problem));
}
