import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import { hostPort } from '../../src/core/endpoint.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';
import { startFaultOrigin } from '../../src/testing/testing.ts';
import { freePort } from '../free-port.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

/** What the tests sign in with: it may do everything, or only read. */
export const tokens = { operate: 'candor_of-the-person-on-call', read: 'candor_of-the-screen-on-the-wall' } as const;

/** A gateway with a healthy upstream, one that nothing listens at, and one that breaks the rules; and its dashboard. */
export class FailingShop {
  readonly edge: YamlGateway;
  readonly url: string;
  readonly #closing: (() => unknown)[];

  readonly #text: string;

  private constructor(edge: YamlGateway, text: string, url: string, closing: (() => unknown)[]) {
    this.edge = edge;
    this.#text = text;
    this.url = url;
    this.#closing = closing;
  }

  /** `pages`: the folder of the built dashboard. */
  static async start(pages: string): Promise<FailingShop> {
    const closing: (() => unknown)[] = [];
    try {
      return await FailingShop.#start(pages, closing);
    } catch (error) {
      for (const close of closing.toReversed()) await close();
      throw error;
    }
  }

  static async #start(pages: string, closing: (() => unknown)[]): Promise<FailingShop> {
    const shops = await Promise.all([startShop(), startShop()]);
    closing.push(...shops.map((shop) => () => shop.close()));
    const faults = await startFaultOrigin();
    closing.push(() => faults.close());
    const { address } = faults;
    const text = configuration(shops.map(addressOf), await freePort(), hostPort(address.host, address.port));
    const edge = await startFromYaml(text, { keepsText: true, files: { 'api-keys': apiKeys } });
    closing.push(() => edge.stop());
    const spec = {
      socket: null,
      listen: { host: '127.0.0.1', port: 0 },
      tokens: [
        { name: 'oncall', hash: hashOfToken(tokens.operate), role: 'operate' },
        { name: 'screen', hash: hashOfToken(tokens.read), role: 'read' },
      ],
      hosts: [],
    } as const;
    const dashboard = { folder: pages, random: systemRandom };
    const admin = await startAdminServer({ gateway: edge.gateway, spec, clock: systemClock, dashboard });
    closing.push(() => admin.close());
    return new FailingShop(edge, text, `http://127.0.0.1:${admin.address?.port}/`, closing);
  }

  /** Requests of every kind, until two incidents are open and all requests can be found. */
  async fail(rounds = 6): Promise<void> {
    const before = await this.#stored();
    for (let round = 0; round < rounds; round++) for (const path of paths) await this.edge.get(path).catch(() => null);
    await until('two incidents are open', () => this.edge.gateway.incidents().length >= 2);
    await until('the requests are stored', async () => (await this.#stored()) >= before + rounds * paths.length);
  }

  /** Configuration 2 is applied, and 3 is refused for what stands in its last line. */
  async reconfigure(): Promise<void> {
    const next = this.#text.replace('to: search }', 'to: search, timeouts: { response_head: 20s } }');
    await this.edge.reload(next);
    await this.edge.reload(`${next}drain: { timeout: soon }\n`);
  }

  /** The id of a request that was answered with what is no HTTP. */
  async garbageId(): Promise<string> {
    const search = { query: 'cause:response_not_http', limit: 1, cursor: null, after: null };
    const found = await this.edge.gateway.searchExchanges(search);
    return (found.kind === 'page' ? found.exchanges[0]?.record.id : undefined) ?? '';
  }

  async #stored(): Promise<number> {
    const found = await this.edge.gateway.searchExchanges({ query: '', limit: 1000, cursor: null, after: null });
    return found.kind === 'page' ? found.exchanges.length : 0;
  }

  async close(): Promise<void> {
    for (const close of this.#closing.toReversed()) await close();
  }
}

/** Of a program that sends no requests. */
const apiKeys = `nightly:${'1f'.repeat(32)}\n`;

/** Three that the shop answers, one that it would answer with a key, one that nothing listens for, and two that are cut or no HTTP. */
const paths = [
  '/',
  '/orders',
  '/cart?item=7',
  '/products/12',
  '/pay/orders',
  '/fault/reset-before-head',
  '/fault/ssh-banner',
];

function configuration(shops: readonly string[], gone: number, faults: string): string {
  return `
deployment: shop.example
upstreams:
  shop: { endpoints: [${shops.map((one) => `"${one}"`).join(', ')}], check: { path: /healthz, interval: 1s } }
  payments: { endpoints: "127.0.0.1:${gone}", check: none, outlier_detection: none }
  search: { endpoints: "${faults}", check: none, outlier_detection: none }
routes:
  - { id: payments, path: /pay, to: payments, slo: { availability: 99.9% } }
  - { id: search, path: /fault, to: search }
  - { id: orders, path: /orders, to: shop, authentication: { api_keys: { keys_file: api-keys } } }
  - { id: shop, path: /, to: shop, rate_limits: { name: visitors, rate: 2/1h, dry_run: true } }
store: { path: ./store }
dependencies: { orders: "tcp://127.0.0.1:${gone}" }
`;
}

async function startShop(): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/plain');
    response.end(`the shop has ${request.url}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function addressOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
