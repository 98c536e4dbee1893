// Only `npm run test:complete` runs this file: it opens thousands of connections in each state. `npm test` measures the objects
// of a request (`test/hot-objects`).
// Starts processes: the memory of the process is measured.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { OwnProcess } from './own-process.ts';
import { until } from './start-from-yaml.ts';

// Holds the figures of docs/limits.md for the memory of a connection against a gateway that has all its connections.

const kib = 1024;
/** For the gateway as a whole: its heap grows in steps, and memory is not released at once. */
const slackBytes = 12 * kib * kib;

interface State {
  /** The name in the document. */
  readonly name: string;
  /** A further row of the document that applies at the same time. */
  readonly also?: string;
  readonly send: (client: Socket) => void;
  readonly clients: number;
  /** Whether each request reaches the application and stays there. */
  readonly stays: boolean;
}

const states: readonly State[] = [
  { name: 'idle', send: (client) => void client.write(get('/now')), clients: 200, stays: false },
  {
    name: 'receiving a head',
    send: (client) => void client.write(`GET /now HTTP/1.1\r\nHost: a\r\n${header(240).repeat(126)}`),
    clients: 200,
    stays: false,
  },
  {
    name: 'pipelined requests',
    send: (client) => {
      client.write(get('/later'));
      client.write(Buffer.from(`GET /later HTTP/1.1\r\nHost: a\r\n${header(30_000)}\r\n`.repeat(20)));
    },
    clients: 100,
    stays: true,
  },
  { name: 'holding a response', send: (client) => void client.write(get('/window')), clients: 150, stays: true },
  {
    name: 'request body in flight',
    send: (client) => {
      client.write(`POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n`);
      client.write(Buffer.alloc(8 * kib * kib));
    },
    clients: 50,
    stays: true,
  },
  {
    name: 'response body in flight',
    also: 'response that waits for its client',
    send: (client) => {
      client.pause();
      client.write(get('/large'));
    },
    clients: 50,
    stays: true,
  },
];

describe('the memory of connections', { skip: process.platform !== 'linux' }, () => {
  let origin: Server;
  let gateway: OwnProcess;
  const open: Socket[] = [];
  let arrived = 0;

  before(async () => {
    origin = createServer((request, response) => {
      arrived++;
      if (request.url === '/now') response.end('ok');
      else if (request.url === '/upload') request.pause();
      else if (request.url === '/window') response.write(Buffer.alloc(63 * kib));
      else if (request.url === '/large') {
        const piece = Buffer.alloc(256 * kib);
        const more = (): void => {
          while (response.write(piece));
        };
        response.on('drain', more);
        more();
      }
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    gateway = await OwnProcess.start(`workers: 1
commit_delay: 60s
client: { write_rate_min: none, body_rate_min: none, head_rate_min: none, connections_per_address_max: none }
upstreams: { app: { endpoints: "127.0.0.1:${(origin.address() as AddressInfo).port}", check: none, connections: { max: 2000 } } }
`);
    await fill({ name: '', send: (client) => void client.write(get('/now')), clients: 200, stays: false }); // Compiles the code and fills the pools.
  });

  after(async () => {
    for (const client of open) client.destroy();
    await gateway.stop();
    origin.closeAllConnections();
    origin.close();
  });

  for (const state of states) {
    test(`is at most the figure in the document: ${state.name}`, { timeout: 60_000 }, async (context) => {
      const { clients, name, also } = state;
      const rows = ['idle', ...(name === 'idle' ? [] : [name]), ...(also === undefined ? [] : [also])];
      const limit = rows.reduce((sum, row) => sum + statedBytes(row), 0);
      const before = gateway.residentBytes;
      await fill(state);
      const grown = gateway.residentBytes - before;
      context.diagnostic(`${(grown / clients / kib).toFixed(1)} KiB for each, of ${limit / kib}`);
      assert.ok(grown <= clients * limit + slackBytes, `${Math.round(grown / clients / kib)} KiB for each`);
    });
  }

  async function fill({ send, clients, stays }: State): Promise<void> {
    const from = { arrived, descriptors: gateway.descriptors };
    for (let count = 0; count < clients; count++) {
      const client = connect(gateway.port, '127.0.0.1');
      client.on('error', () => {});
      client.on('data', () => {});
      send(client);
      open.push(client);
      if (stays && count % 25 === 24) await until('they arrive', () => arrived - from.arrived > count - 25);
    }
    if (stays) await until('they arrive', () => arrived - from.arrived >= clients);
    // Idle connections to the application come and go meanwhile.
    else await until('the connections are accepted', () => gateway.descriptors - from.descriptors > clients / 2);
    let last = 0;
    await until('no more bytes come', async () => {
      const before = last;
      last = gateway.residentBytes;
      // Nothing tells when memory has settled, except that it is the same a while later.
      await new Promise((resolve) => setTimeout(resolve, 300));
      return Math.abs(last - before) < 2 * kib * kib;
    });
  }
});

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
}

function header(bytes: number): string {
  return `X: ${'x'.repeat(bytes)}\r\n`;
}

/** `| receiving a head | 40 KiB | …`. */
function statedBytes(state: string): number {
  const document = readFileSync(join(repositoryRoot, 'docs', 'limits.md'), 'utf8');
  const stated = new RegExp(`^\\| ${state} \\| (\\d+) KiB \\|`, 'm').exec(document)?.[1];
  assert.ok(stated !== undefined, `docs/limits.md has no row for "${state}"`);
  return Number(stated) * kib;
}
