import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from '../src/testing/testing.ts';
import { certificateAuthority } from '../src/testing/certificates.ts';
import { systemClock } from '../src/testing/system.ts';
import { type GatewayName, gatewayPort, originPort, prepareGateway } from './compared-gateways.ts';
import { withSection } from './comparison-document.ts';
import { type PoisonCounts, type Poisoned, poisoningSection, type PoisonRow } from './poisoning-section.ts';
import { repositoryRoot } from './repository.ts';

// `npm run compare:poisoning`: 15 clients request bodies that contain their own ids from each gateway. The origin answers
// the requests of 5 other clients so that a second response follows the first, 3 ms later. Counts how many requests of the
// 15 got that response, or another client's. Writes its section of docs/comparison.md; takes a minute.

interface Variant {
  readonly name: GatewayName;
  readonly how: string;
  readonly change?: (configuration: string) => string;
}

const variants: readonly Variant[] = [
  { name: 'candor', how: 'as it is' },
  { name: 'candor', how: '`reuse: never`', change: (shown) => withCandorReuse(shown, 'never') },
  { name: 'nginx', how: 'as it is' },
  { name: 'haproxy', how: 'as it is (`http-reuse safe`)' },
  {
    name: 'haproxy',
    how: '`http-reuse always`',
    change: (shown) => shown.replace('mode http', 'mode http\n  http-reuse always'),
  },
  { name: 'caddy', how: 'as it is' },
];

const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL';

const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine';

/** The first bytes of the origin; the second response follows. */
const rows: readonly (PoisonRow & { readonly first: string; readonly opensEach?: boolean })[] = [
  {
    id: 'announced',
    what: 'a 204 that announces 42 bytes of content',
    first: 'HTTP/1.1 204 No Content\r\nContent-Length: 42\r\n\r\n',
  },
  {
    id: 'hinted',
    what: 'a 304 that announces 42 bytes, which it may',
    first: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n',
  },
  {
    id: 'unseen',
    what: 'a good 200, of which nothing tells what follows',
    first: good,
  },
  {
    id: 'unseen-opened',
    what: 'the same, where each client opens a connection for each request',
    first: good,
    opensEach: true,
  },
];

const clientsCount = 20;
const requestsEach = 100;
/** Every fourth client requests only wrong responses. The other clients never do. */
const attackersEach = 4;
const laterMs = 3;
const timeoutMs = 5000;
/** A gateway that has not answered by then will not, even on a busy machine. */
const startMsMax = 30_000;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
async function compare(): Promise<void> {
  const found: Poisoned[] = [];
  for (const variant of variants) {
    const one = await tryVariant(variant);
    if (one === null) {
      console.error('docs/comparison.md is unchanged.');
      process.exitCode = 1;
      return;
    }
    found.push(one);
  }
  const path = join(repositoryRoot, 'docs', 'comparison.md');
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(path, withSection(readFileSync(path, 'utf8'), 'poisoning', poisoningSection(found, rows, date)));
  console.log('docs/comparison.md has the figures.');
}

async function tryVariant({ name, how, change }: Variant): Promise<Poisoned | null> {
  const gateway = await prepareGateway(name, change);
  if (gateway === null) return null;
  const origin = await PoisonOrigin.start();
  try {
    // Only the plain part of the torture suite is used; the files for the other parts are missing.
    writeFileSync(join(gateway.folder, 'authority.pem'), certificateAuthority(systemClock.wallTime()).certificate);
    gateway.start();
    if (!(await answers())) {
      console.error(`${gateway.title} did not serve: ${gateway.output()}`);
      return null;
    }
    const counts: Record<string, PoisonCounts> = {};
    for (const { id, first, opensEach = false } of rows) {
      origin.first = first;
      const count = await measure(opensEach);
      counts[id] = count;
      console.log(`${gateway.title}, ${how}, ${id}: ${count.wrong} of ${count.asked} wrong, ${count.failed} failed`);
    }
    return { title: gateway.title, version: gateway.version, how, counts };
  } finally {
    await gateway.stop();
    origin.close();
  }
}

/** In Candor's configuration, `reuse` belongs to each upstream. */
function withCandorReuse(shown: string, reuse: string): string {
  return shown.replace('check: none }', `check: none, connections: { reuse: ${reuse} } }`);
}

/** Whether the gateway forwards a plain request within the time that it may take to start. */
async function answers(): Promise<boolean> {
  for (const limit = performance.now() + startMsMax; performance.now() < limit; await sleep(100)) {
    const client = new RawClient({ host: '127.0.0.1', port: gatewayPort.here });
    client.write(requestFor('mine', 'first'));
    const { response } = await client.response('GET', 1000);
    client.close();
    if (response?.body.toString() === bodyFor('first')) return true;
  }
  return false;
}

/** Runs all clients at once, and counts their responses. */
async function measure(opensEach: boolean): Promise<PoisonCounts> {
  const count = { asked: 0, wrong: 0, failed: 0 };
  await Promise.all(Array.from({ length: clientsCount }, (_, number) => ask(number, count, opensEach)));
  return count;
}

async function ask(
  number: number,
  count: { asked: number; wrong: number; failed: number },
  opensEach: boolean,
): Promise<void> {
  let client = new RawClient({ host: '127.0.0.1', port: gatewayPort.here });
  for (let n = 0; n < requestsEach; n++) {
    const id = `client-${number}-request-${n}`;
    const isAttacked = number % attackersEach === 0;
    client.forget();
    client.write(requestFor(isAttacked ? 'attacked' : 'mine', id));
    const { response } = await client.response('GET', timeoutMs);
    if (!isAttacked) {
      count.asked++;
      if (response?.status !== 200 || !response.complete) count.failed++;
      else if (response.body.toString() !== bodyFor(id)) count.wrong++;
    }
    if (!opensEach && client.state === 'open' && response?.complete === true) continue;
    client.close();
    client = new RawClient({ host: '127.0.0.1', port: gatewayPort.here });
  }
  client.close();
}

function requestFor(what: 'mine' | 'attacked', id: string): string {
  return `GET /plain/${what}/${id} HTTP/1.1\r\nHost: 127.0.0.1:${gatewayPort.here}\r\n\r\n`;
}

function bodyFor(id: string): string {
  return `you are ${id}`;
}

/** Answers each request with its own id, and an attacked one with an additional response. */
class PoisonOrigin {
  first = '';
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer({ noDelay: true }, (socket) => this.#serve(socket));

  static async start(): Promise<PoisonOrigin> {
    const origin = new PoisonOrigin();
    origin.#server.listen(originPort.here, '127.0.0.1');
    await once(origin.#server, 'listening');
    return origin;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    let received = '';
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        this.#answer(socket, received.slice(0, end));
        received = received.slice(end + 4);
      }
    });
  }

  #answer(socket: Socket, head: string): void {
    const [, what = '', id = ''] = /^GET \/plain\/(\w+)\/(\S+) /.exec(head) ?? [];
    if (what === 'attacked') {
      socket.write(this.first);
      setTimeout(() => socket.write(evil), laterMs);
      return;
    }
    const body = bodyFor(id);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }
}

await compare();
