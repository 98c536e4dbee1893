import { connect } from 'node:net';
import { setTimeout as passTime } from 'node:timers/promises';
import { inOwnNetwork } from '../soak/own-network.ts';
import { runInWorker } from './run-in-workers.ts';
import { startFromYaml, until } from './start-from-yaml.ts';

// A program: ends workers of a gateway while clients open new connections, in its own network namespace, where the
// kernel resets the accept queue of a closing socket (net.ipv4.tcp_migrate_req is 0, the default). Prints the clients'
// results as one line of JSON.
// worker-ends-run.ts <throws|exits|loops|waits> [ends] [clients]

const ways: Readonly<Record<string, string>> = {
  throws: 'setTimeout(() => { throw new RangeError("on purpose") }, 0)',
  exits: 'setTimeout(() => process.exit(3), 0)',
  loops: 'setTimeout(() => { for (;;); }, 0)',
  waits: 'setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 0)',
};

const exit = inOwnNetwork({ tcp_migrate_req: '0' });
if (exit !== null) process.exit(exit);

const [way = 'exits', ends = '2', clients = '16'] = process.argv.slice(2);
const met = { answered: 0, failures: {} as Record<string, number>, slowestMs: 0 };
let over = false;

/** One request after the other, each on a new connection. */
async function ask(address: { host: string; port: number }): Promise<void> {
  while (!over) {
    const beganAt = performance.now();
    const failure = await new Promise<string | null>((resolve) => {
      let text = '';
      const socket = connect(address)
        .setEncoding('latin1')
        .setTimeout(60_000, () => socket.destroy(new Error('silent')));
      socket.on('connect', () => void socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
      socket.on('data', (some: string) => (text += some));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.on('close', () => resolve(text.endsWith('\r\n\r\nok') ? null : 'no answer'));
    });
    if (failure === null) met.answered += 1;
    else met.failures[failure] = (met.failures[failure] ?? 0) + 1;
    met.slowestMs = Math.max(met.slowestMs, Math.round(performance.now() - beganAt));
  }
}

const edge = await startFromYaml('workers: 2\nroutes: [ { path: /, respond: { body: ok } } ]\n');
const serving = (): number[] =>
  edge.gateway.status().workers.flatMap(({ id, state }) => (state === 'serving' ? [id] : []));
const asking = Array.from({ length: Number(clients) }, () => ask(edge.address()));
for (let ended = 0; ended < Number(ends); ended++) {
  await passTime(1500);
  await runInWorker(serving()[ended % 2] ?? 0, ways[way] ?? '');
  await until('the worker is lost', () => edge.eventsOf('worker_lost').length === ended + 1, 60_000);
  await until('another worker serves', () => serving().length === 2, 60_000);
}
await passTime(300);
over = true;
await Promise.all(asking);
await edge.stop();
console.log(JSON.stringify(met));
