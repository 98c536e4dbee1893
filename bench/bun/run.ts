import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Peer, type PeerName, preparePeer } from '../../scripts/peers.ts';
import { cacheFolder, repositoryRoot } from '../../scripts/repository.ts';
import { nginxGateway, nginxOrigin, originPort } from '../gateways.ts';
import { load } from '../load.ts';
import {
  accepts,
  cpuMicroseconds,
  type Pinned,
  residentBytes,
  startPinned,
  stopAll,
  waitForPort,
} from '../processes.ts';
import { median, ratioOf } from '../statistics.ts';
import { settings, type Work, works } from '../works.ts';
import { bunVersion, prepareBun } from './bun-program.ts';

const measuredWorks = ['small-get', 'get-10k', 'get-1m', 'new-connection'];

const usage = `usage: npm run bench:bun -- [options]

One engine over Node's sockets and over Bun's, in one thread each, beside nginx:
CPU time per request. All three run at the same time on one core, each with a
load of its own on the other. docs/adr/0030 says what it is for.

  --works <names>    of ${measuredWorks.join(', ')} (all)
  --rounds <n>       (6)
  --seconds <n>      of each (2)
  --connections <n>  with one request each, to count what is lost (10000)
  --help

It ends with 0, with 1 where something could not be measured, with 2 where Bun,
nginx or wrk cannot be had.
`;

/** Bun goes on compiling for some 4 s of a core; here it has a third of one. */
const firstWarmUpS = 12;
const laterWarmUpS = 3;
const gatewayCore = 0;
const loadCore = 1;
const folder = join(cacheFolder, 'bench', 'run-bun');

interface Rival {
  readonly name: 'nginx' | 'Node' | 'Bun';
  readonly port: number;
  readonly pinned: Pinned;
}

interface Measured {
  readonly cpuMicroseconds: number;
  readonly failures: number;
}

type Program = Extract<Peer, { path: string }>;

/** Without it nothing is measured. */
class Missing extends Error {}

const options = readOptions();
const asked = options.works.split(',');
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stopAll().then(() => process.exit(130)));
try {
  if (options.help) console.log(usage);
  else await measureAll();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof Missing ? 2 : 1;
} finally {
  await stopAll();
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        works: { type: 'string', default: measuredWorks.join(',') },
        rounds: { type: 'string', default: '6' },
        seconds: { type: 'string', default: '2' },
        connections: { type: 'string', default: '10000' },
        help: { type: 'boolean', default: false },
      },
    });
    const unknown = values.works.split(',').find((name) => !measuredWorks.includes(name));
    if (unknown !== undefined) return refuse(`There is no work ${unknown} here.`);
    if (!(Number(values.rounds) >= 1 && Number(values.seconds) >= 1))
      return refuse('Rounds and seconds are 1 or more.');
    return values;
  } catch (error) {
    return refuse(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error));
  }
}

function refuse(why: string): never {
  console.error(`${why}\n\n${usage}`);
  process.exit(2);
}

async function measureAll(): Promise<void> {
  if (availableParallelism() < 2)
    throw new Error('two cores are needed: one for the gateways, one for load and origin');
  const bun = prepareBun();
  if ('missing' in bun) throw new Missing(bun.missing);
  const [nginx, wrk] = [need('nginx'), need('wrk')];
  rmSync(folder, { recursive: true, force: true });
  const rivals = await startRivals(nginx, bun.path);
  console.log(`Bun ${bunVersion}, Node ${process.version}; ${cpus()[0]?.model}, Linux ${release()}\n`);
  const rows = [
    '| work | nginx | on Node | on Bun | Node ÷ nginx | Bun ÷ nginx | Bun ÷ Node | rounds, failures |',
    '|---|---|---|---|---|---|---|---|',
  ];
  for (const work of works.filter(({ name }) => asked.includes(name))) rows.push(await measure(work, rivals, wrk));
  console.log(
    `\nµs of CPU per request, median of ${rounds} rounds of ${seconds} s; ratios with their least and most:\n`,
  );
  console.log(rows.join('\n'));
  for (const { name, pinned } of rivals)
    console.log(`${name}: ${Math.round(residentBytes(pinned.pid) / 2 ** 20)} MiB resident`);
  if (Number(options.connections) > 0) await countLost(rivals);
}

function need(name: PeerName): Program {
  const peer = preparePeer(name, console.error);
  if ('missing' in peer) throw new Missing(peer.missing);
  return peer;
}

async function startRivals(nginx: Program, bun: string): Promise<Rival[]> {
  const origin = nginxOrigin(nginx);
  await start('origin', originPort, loadCore, origin);
  const before = nginxGateway(nginx, settings.plain, true);
  const port = { Node: 19_331, Bun: 19_332 };
  const program = (runtime: 'node' | 'bun', on: number): readonly string[] => {
    return [join(repositoryRoot, 'bench', 'bun', `on-${runtime}.ts`), String(on), String(originPort), 'exchanges.log'];
  };
  // A worker's young generation is as small.
  const node = [process.execPath, '--max-semi-space-size=4', ...program('node', port.Node)];
  return [
    { name: 'nginx', port: before.port, pinned: await start('nginx', before.port, gatewayCore, before) },
    { name: 'Node', port: port.Node, pinned: await start('node', port.Node, gatewayCore, plain(node)) },
    {
      name: 'Bun',
      port: port.Bun,
      pinned: await start('bun', port.Bun, gatewayCore, plain([bun, ...program('bun', port.Bun)])),
    },
  ];
}

interface Startable {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

function plain(command: readonly string[]): Startable {
  return { command, env: {}, files: {} };
}

async function start(name: string, port: number, core: number, { command, env, files }: Startable): Promise<Pinned> {
  if (await accepts(port)) throw new Error(`port ${port}, where ${name} is to listen, is taken`);
  const own = join(folder, name);
  mkdirSync(join(own, 'tmp'), { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(own, file)), { recursive: true });
    writeFileSync(join(own, file), text);
  }
  const pinned = startPinned(core, command, env, own);
  await waitForPort(port, pinned, name);
  return pinned;
}

/** A row of the table. */
async function measure(work: Work, rivals: readonly Rival[], wrk: Program): Promise<string> {
  await Promise.all(
    rivals.map((rival) => measureOne(work, rival, wrk, work.name === asked[0] ? firstWarmUpS : laterWarmUpS)),
  );
  const counted: Measured[][] = [];
  let failures = 0;
  for (let round = 1; round <= rounds; round++) {
    const together = await Promise.all(rivals.map((rival) => measureOne(work, rival, wrk, seconds)));
    // Where a load got no answer in time, whoever it was, the machine was elsewhere.
    if (together.every((one) => one.failures === 0 && Number.isFinite(one.cpuMicroseconds))) counted.push(together);
    for (const one of together) failures += one.failures;
    const said = together.map((one, index) => `${rivals[index]?.name} ${measuredText(one)}`);
    console.log(`${work.title}, round ${round} of ${rounds}: ${said.join(', ')}`);
  }
  const [nginx = [], node = [], bun = []] = rivals.map((_rival, index) => {
    return counted.map((round) => (round[index] as Measured).cpuMicroseconds);
  });
  const cells = [nginx, node, bun].map((values) => median(values).toFixed(1));
  const ratios = [ratioText(node, nginx), ratioText(bun, nginx), ratioText(bun, node)];
  return `| ${[work.title, ...cells, ...ratios, `${counted.length}, ${failures}`].join(' | ')} |`;
}

function measuredText({ cpuMicroseconds: cpu, failures }: Measured): string {
  return `${cpu.toFixed(1)}${failures > 0 ? ` (${failures} failed)` : ''}`;
}

async function measureOne(work: Work, rival: Rival, wrk: Program, forS: number): Promise<Measured> {
  const before = cpuMicroseconds(rival.pinned.pid);
  const { requests, failures } = await load(wrk, work, { port: rival.port, core: loadCore, seconds: forS, folder });
  const spent = cpuMicroseconds(rival.pinned.pid) - before;
  // wrk counts an end that it has asked for as an error of reading where it comes with the answer.
  return { cpuMicroseconds: spent / requests, failures: work.newConnection ? 0 : failures };
}

function ratioText(ours: readonly number[], theirs: readonly number[]): string {
  const { median: middle, least, most } = ratioOf(ours, theirs);
  return `${middle.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

async function countLost(rivals: readonly Rival[]): Promise<void> {
  console.log(`\nOf ${options.connections} connections with one request each:`);
  for (const { name, port } of rivals) console.log(`  ${name}: ${await connectAnew(port)}`);
}

async function connectAnew(port: number): Promise<string> {
  const program = join(repositoryRoot, 'bench', 'bun', 'new-connections.ts');
  const command = ['-c', String(loadCore), process.execPath, program, String(port), options.connections];
  const client = spawn('taskset', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  client.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(client, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the client of new connections ended with ${code}`);
  const outcomes = Object.entries(JSON.parse(said) as Record<string, number>);
  return outcomes.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
}
