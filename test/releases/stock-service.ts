import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What both releases ask for the stock of a product: at pages of products, and for recommendations. */
export class StockService {
  mode: 'usual' | 'fails' | 'is_slow' = 'usual';
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const id = Number(request.url?.split('/').at(-1) ?? 0);
      const { mode } = this;
      setTimeout(
        () => {
          response.writeHead(mode === 'fails' ? 503 : 200, { 'content-type': 'application/json' });
          response.end(mode === 'fails' ? '{"error":"no stock"}' : JSON.stringify({ stock: id % 20 }));
        },
        mode === 'is_slow' ? 400 : 2,
      );
    });
  }

  static async start(): Promise<StockService> {
    const service = new StockService();
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  /** For the variable STOCK_URL of both releases. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
