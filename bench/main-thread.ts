import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../scripts/repository.ts';
import { gatewayCore, needTwoCores } from './cores.ts';
import { askFixedRate, drive } from './drive.ts';
import { candorGateway } from './gateways.ts';
import { optionsOr, wholeNumber } from './options.ts';
import { ticksPerSecond } from './processes.ts';
import { runTool } from './run-tool.ts';
import { needNoOther, runFolder, startGateway, startOrigins } from './start-gateway.ts';
import { needPeer } from './tools.ts';
import { settings, works } from './works.ts';

const usage = `usage: npm run bench:main -- [options]

What the main thread of Candor does while a worker serves small GETs at a fixed
rate: its share of a core, and the garbage collections of every thread.

  --rate <n>     requests per second (10000)
  --seconds <n>  (20)
  --help

It ends with 0, with 1 if a measurement failed, with 2 for a wrong command line.

example: npm run bench:main -- --rate 2000
`;

const warmUpS = 5;

const asked = optionsOr(
  usage,
  { rate: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '20' } },
  ({ rate, seconds }) => ({ rate: wholeNumber(rate, '--rate'), seconds: wholeNumber(seconds, '--seconds') }),
);

/** The flags that `bin/candor` chooses on one core, and a line for each garbage collection. */
const nodeFlags = ['--single-threaded-gc', '--v8-pool-size=1', '--trace-gc'];

await runTool(run);

async function run(): Promise<number> {
  needTwoCores();
  await needNoOther();
  const folder = runFolder('main-thread');
  mkdirSync(folder, { recursive: true });
  await startOrigins(needPeer('nginx'), folder);
  const gateway = candorGateway(repositoryRoot, settings.plain, { nodeFlags });
  const own = join(folder, gateway.name);
  mkdirSync(own, { recursive: true });
  const { pid } = await startGateway(gateway, gatewayCore, own);
  const lines = (): string[] => readFileSync(join(own, 'said.log'), 'latin1').split('\n');
  await drive(works[0] as (typeof works)[number], gateway.port, warmUpS, { wrk: needPeer('wrk'), folder });
  const earlier = lines();
  const before = threadSeconds(pid);
  const { requests, late } = await askFixedRate(gateway.port, asked.rate, asked.seconds);
  const share = (threadSeconds(pid) - before) / asked.seconds;
  const during = lines().slice(earlier.length - 1);
  console.log(`${requests} requests in ${asked.seconds} s, and ${late} that were sent late`);
  console.log(`the main thread took ${(share * 100).toFixed(2)} % of a core`);
  const heaps = Map.groupBy(during, (line) => /^\[\d+:(0x[0-9a-f]+)\]/.exec(line)?.[1] ?? '');
  heaps.delete('');
  if (heaps.size === 0)
    throw new Error('V8 printed no garbage collection, not even of the worker: are its lines read?');
  // V8 does not name threads. Most collections are the worker's.
  for (const [heap, lines] of heaps) {
    const whole = lines.filter((line) => line.includes('Mark-Compact'));
    console.log(`the heap ${heap} was collected ${lines.length} times, the whole of it ${whole.length} times`);
  }
  return 0;
}

/** CPU time of the process's first thread. */
function threadSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
