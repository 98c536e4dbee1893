import { connect } from 'node:net';
import { setTimeout as passTime } from 'node:timers/promises';
import { inOwnNetwork } from '../soak/own-network.ts';
import { startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// A program: reloads a gateway with one number of workers after another while clients send requests, in its own network
// namespace, where the kernel moves waiting connections from a closing listener to another one (tcp_migrate_req), or
// does not (`without-migration`). Prints the clients' results as one line of JSON.

const route = 'routes: [ { path: /, respond: { body: ok } } ]';
const request = (last: boolean): string => `GET / HTTP/1.1\r\nHost: a\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;

interface Met {
  answered: number;
  /** New connections that failed, by errno. */
  readonly failures: Record<string, number>;
  /** Kept connections that ended without an announcement by `Connection: close`. */
  dropped: number;
}

const met: Met = { answered: 0, failures: {}, dropped: 0 };
let over = false;

function fail(what: string): void {
  met.failures[what] = (met.failures[what] ?? 0) + 1;
}

/** One request after the other, each on a connection of its own. */
async function askAnew(address: { host: string; port: number }): Promise<void> {
  while (!over) {
    await new Promise<void>((resolve) => {
      const socket = connect(address)
        .setEncoding('latin1')
        .setTimeout(5000, () => void socket.destroy(new Error('silent')));
      let text = '';
      socket.on('connect', () => void socket.write(request(true)));
      socket.on('data', (some: string) => (text += some));
      socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
      socket.on('close', () => {
        if (text.endsWith('\r\n\r\nok')) met.answered += 1;
        else if (text === '') fail('no answer');
        else fail('half an answer');
        resolve();
      });
    });
  }
}

/** One request after the other, on the same connection for as long as possible. */
async function askOn(address: { host: string; port: number }): Promise<void> {
  while (!over) {
    await new Promise<void>((resolve) => {
      const socket = connect(address).setEncoding('latin1');
      let text = '';
      let announced = false;
      const ask = (): void => {
        text = '';
        if (over) socket.end();
        else socket.write(request(false));
      };
      socket.on('connect', ask);
      socket.on('data', (some: string) => {
        text += some;
        if (!text.endsWith('\r\n\r\nok')) return;
        met.answered += 1;
        announced = /\r\nconnection: close\r\n/i.test(text);
        if (!announced) setTimeout(ask, 5);
      });
      socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
      socket.on('close', () => {
        if (!announced && !over) met.dropped += 1;
        resolve();
      });
    });
  }
}

async function reloadTo(edge: YamlGateway, workers: number): Promise<void> {
  const outcome = await edge.reload(`workers: ${workers}\n${route}\n`);
  if (!outcome.ok) fail(outcome.errors.join('; '));
}

const exit = inOwnNetwork({ tcp_migrate_req: process.argv[2] === 'without-migration' ? '0' : '1' });
if (exit !== null) process.exit(exit);

const edge = await startFromYaml(`workers: 2\n${route}\n`);
const target = edge.address();
const clients = [
  ...Array.from({ length: 4 }, () => askAnew(target)),
  ...Array.from({ length: 4 }, () => askOn(target)),
];
for (const workers of [4, 1, 3, 2, 1, 2]) {
  await passTime(200);
  await reloadTo(edge, workers);
}
await passTime(300);
over = true;
await Promise.all(clients);
const retired = edge.eventsOf('worker_retired').length;
const lost = edge.eventsOf('worker_lost').length;
const workers = edge.gateway.status().workers.filter(({ state }) => state === 'serving').length;
await edge.stop();
console.log(JSON.stringify({ ...met, retired, lost, workers }));
