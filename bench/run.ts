import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { packAndInstall } from '../scripts/pack.ts';
import { type Peer, type PeerName, preparePeer } from '../scripts/peers.ts';
import { cacheFolder, repositoryRoot } from '../scripts/repository.ts';
import type { Steady } from './client.ts';
import { benchDocument, plot } from './document.ts';
import { garbageIn } from './garbage.ts';
import * as kinds from './gateways.ts';
import type { Gateway, GatewayName } from './gateways.ts';
import { load } from './load.ts';
import {
  accepts,
  cpuMicroseconds,
  type Pinned,
  residentOctets,
  startPinned,
  stop,
  stopAll,
  waitForPort,
} from './processes.ts';
import { type Added, type Figures, type Memory, type Run, ratioText, ratioToBest, titles } from './report.ts';
import { type Setting, type SettingName, settings, type Work, type WorkName, works } from './works.ts';

const usage = `usage: npm run bench -- [options]

Measures Candor beside other gateways; bench/README.md says what, how, and the last figures.

  --works <names>     of ${works.map(({ name }) => name).join(', ')} (all)
  --gateways <names>  of ${kinds.gatewayNames.join(', ')} (all but relay)
  --rounds <n>        (5)
  --seconds <n>       of each run (3)
  --parts <names>     of cpu, latency, memory, garbage, scaling (all)
  --source            the unbuilt source in place of the installed tarball
  --write             bench/README.md and bench/figures.svg
  --json              everything measured, on standard output
  --help

It ends with 0, or with 1 where something could not be measured.

example: npm run bench -- --works small-get --gateways candor,nginx,haproxy --parts cpu
`;

const gatewayCore = 0;
const loadCore = 1;
const rates = [500, 2000];
const parts = ['cpu', 'latency', 'memory', 'garbage', 'scaling'] as const;

/** Exact versions, into a folder of their own: they are rivals and no dependencies. */
const packages = ['http-proxy@1.18.1', 'fastify@5.6.1', '@fastify/http-proxy@11.3.0'];

const { values: options } = parseArgs({
  options: {
    works: { type: 'string', default: works.map(({ name }) => name).join(',') },
    gateways: { type: 'string', default: kinds.gatewayNames.filter((name) => name !== 'relay').join(',') },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    parts: { type: 'string', default: parts.join(',') },
    source: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const folder = join(cacheFolder, 'bench', 'run');
const say = options.json ? console.error : console.log;

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stopAll().then(() => process.exit(130)));
try {
  if (options.help) console.log(usage);
  else await bench();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await stopAll();
}

async function bench(): Promise<void> {
  if (availableParallelism() < 2) throw new Error('two cores are needed: one for the gateway, one for load and origin');
  const names = chosen(options.gateways, kinds.gatewayNames, 'gateway');
  const wanted = chosen(
    options.works,
    works.map(({ name }) => name),
    'work',
  );
  const asked = chosen(options.parts, parts, 'part');
  rmSync(folder, { recursive: true, force: true });
  const tools = prepare(names);
  await start(kinds.nginxOrigin(tools.nginx), loadCore);
  startPinned(loadCore, [process.execPath, join(repositoryRoot, 'bench', 'echo-origin.ts')], {}, folder);

  const figures: Figures = {
    circumstances: circumstancesOf(tools),
    runs: asked.includes('cpu') ? await measureWorks(names, wanted, tools) : [],
    added: asked.includes('latency') ? await measureAdded(names, tools) : [],
    memory: asked.includes('memory') ? await measureMemory(names, tools) : [],
    garbage: asked.includes('garbage') ? await measureGarbage(tools) : null,
    scaling: asked.includes('scaling') ? await measureScaling(tools) : null,
  };
  for (const { name, title } of works) {
    const to = ratioToBest(figures.runs, name);
    if (to !== null) say(`${title}: Candor ÷ ${titles[to.best]} ${ratioText(to.ratio)}`);
  }
  if (options.json) console.log(JSON.stringify(figures, null, 2));
  if (!options.write) return;
  writeFileSync(join(repositoryRoot, 'bench', 'README.md'), benchDocument(figures));
  writeFileSync(join(repositoryRoot, 'bench', 'figures.svg'), plot(figures));
}

interface Tools {
  readonly nginx: Program;
  readonly wrk: Program;
  /** How to start each gateway with a setting; those that are not here, or were not asked for, are missing. */
  readonly start: ReadonlyMap<GatewayName, (setting: Setting) => Gateway>;
  readonly candor: string;
}

type Program = Extract<Peer, { path: string }>;

function prepare(names: readonly GatewayName[]): Tools {
  const nginx = need('nginx');
  const candor = options.source ? repositoryRoot : installTarball();
  const start = new Map<GatewayName, (setting: Setting) => Gateway>();
  const ways: Readonly<Record<GatewayName, () => (setting: Setting) => Gateway>> = {
    candor: () => (setting) => kinds.candorGateway(candor, setting),
    nginx: () => (setting) => kinds.nginxGateway(nginx, setting, false),
    'nginx-buffered': () => (setting) => kinds.nginxGateway(nginx, setting, true),
    haproxy: () => withPeer('haproxy', kinds.haproxyGateway),
    caddy: () => withPeer('caddy', kinds.caddyGateway),
    apache: () => withPeer('apache2', kinds.apacheGateway),
    'http-proxy': () => withPackages('http-proxy'),
    fastify: () => withPackages('fastify'),
    relay: () => () => kinds.relay(),
  };
  for (const name of names) start.set(name, ways[name]());
  return { nginx, wrk: need('wrk'), start, candor };
}

function withPeer(
  name: PeerName,
  gateway: (peer: Program, setting: Setting) => Gateway,
): (setting: Setting) => Gateway {
  const peer = need(name);
  return (setting) => gateway(peer, setting);
}

function withPackages(name: 'http-proxy' | 'fastify'): () => Gateway {
  const place = join(cacheFolder, 'bench', 'npm');
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'package.json'), '{ "private": true }\n');
  const ran = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], {
    cwd: place,
    encoding: 'utf8',
  });
  if (ran.status !== 0) throw new Error(`npm could not install ${packages.join(', ')}: ${ran.stderr.slice(-300)}`);
  return () => kinds.npmGateway(name, place);
}

// CPU.

async function measureWorks(names: readonly GatewayName[], wanted: readonly WorkName[], tools: Tools): Promise<Run[]> {
  const runs: Run[] = [];
  for (const setting of Object.keys(settings) as SettingName[]) {
    const group = works.filter((work) => work.setting === setting && wanted.includes(work.name));
    if (group.length === 0) continue;
    const started = await startAll(names, settings[setting], tools);
    for (const work of group) {
      for (const { gateway } of started) await run(work, gateway, 1, tools);
      for (let round = 1; round <= rounds; round++) {
        for (const { gateway, pinned } of started) {
          const measured = await measure(work, gateway, pinned, round, tools);
          if (measured !== null) runs.push(measured);
        }
        say(`${work.title}, round ${round} of ${rounds}: ${roundText(runs, work.name, round)}`);
      }
    }
    for (const { pinned } of started) await stop(pinned);
  }
  return runs;
}

function roundText(runs: readonly Run[], work: WorkName, round: number): string {
  return runs
    .filter((one) => one.work === work && one.round === round)
    .map(({ gateway, cpuMicroseconds: cpu }) => `${gateway} ${cpu.toFixed(1)}`)
    .join(', ');
}

/** Null where requests failed: that is no measurement. Ours may not fail. */
async function measure(work: Work, gateway: Gateway, pinned: Pinned, round: number, tools: Tools): Promise<Run | null> {
  const before = cpuMicroseconds(pinned.pid);
  const { done, perSecond, failures } = await run(work, gateway, seconds, tools);
  const spent = cpuMicroseconds(pinned.pid) - before;
  if (failures > 0) {
    const what = `${gateway.name} failed ${failures} of ${done} requests (${work.title})`;
    if (gateway.name === 'candor') throw new Error(`${what}: nothing was measured`);
    say(`${what}: not counted`);
    return null;
  }
  return { work: work.name, gateway: gateway.name as GatewayName, round, cpuMicroseconds: spent / done, perSecond };
}

interface Done {
  readonly done: number;
  readonly perSecond: number;
  readonly failures: number;
}

async function run(work: Work, gateway: Gateway, forS: number, tools: Tools): Promise<Done> {
  if (work.name === 'websocket') {
    const { messages } = await ask<{ messages: number }>(['echo', String(gateway.port), String(forS)]);
    return { done: messages, perSecond: messages / forS, failures: messages === 0 ? 1 : 0 };
  }
  const place = { port: gateway.port, core: loadCore, seconds: forS, folder };
  const { requests, perSecond, failures } = load(tools.wrk, work, place);
  // wrk counts an end that it has asked for as an error of reading where it comes with the answer.
  return { done: requests, perSecond, failures: work.newConnection ? 0 : failures };
}

/** What the client says, from the core of the load. */
async function ask<T>(words: readonly string[]): Promise<T> {
  const client = spawn(
    'taskset',
    ['-c', String(loadCore), process.execPath, join(repositoryRoot, 'bench', 'client.ts'), ...words],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let said = '';
  client.stdout.on('data', (piece: Buffer) => {
    said += piece.toString();
  });
  const [code] = (await once(client, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the client of ${words.join(' ')} ended with ${code}`);
  return JSON.parse(said) as T;
}

// Time added at a rate.

async function measureAdded(names: readonly GatewayName[], tools: Tools): Promise<Added[]> {
  const started = await startAll(names, settings.plain, tools);
  const added: Added[] = [];
  const path = '/orders/1742';
  for (const perSecond of rates) {
    for (let round = 1; round <= rounds; round++) {
      const asked = async (port: number): Promise<Steady> =>
        ask<Steady>(['steady', String(port), path, String(perSecond), String(seconds)]);
      const alone = await asked(kinds.originPort);
      for (const { gateway } of started) {
        const through = await asked(gateway.port);
        added.push({
          gateway: gateway.name as GatewayName,
          perSecond,
          round,
          p50Ms: through.p50Ms - alone.p50Ms,
          p99Ms: through.p99Ms - alone.p99Ms,
          p999Ms: through.p999Ms - alone.p999Ms,
        });
      }
      say(`added at ${perSecond}/s, round ${round} of ${rounds}`);
    }
  }
  for (const { pinned } of started) await stop(pinned);
  return added;
}

// Memory.

async function measureMemory(names: readonly GatewayName[], tools: Tools): Promise<Memory[]> {
  const memory: Memory[] = [];
  for (const name of names) {
    for (const workers of name === 'candor' ? [1, 2] : [1]) {
      for (const connections of [64, 5000]) {
        const way = tools.start.get(name) as (setting: Setting) => Gateway;
        const gateway =
          name === 'candor' ? kinds.candorGateway(tools.candor, settings.plain, workers) : way(settings.plain);
        const pinned = await start(gateway, gatewayCore);
        memory.push({ gateway: name, workers, connections, residentOctets: await idle(gateway, pinned, connections) });
        await stop(pinned);
        say(`memory of ${name} with ${connections} connections`);
      }
    }
  }
  return memory;
}

async function idle(gateway: Gateway, pinned: Pinned, connections: number): Promise<number> {
  const words = [join(repositoryRoot, 'bench', 'client.ts'), 'idle', String(gateway.port), String(connections)];
  const client = spawn('taskset', ['-c', String(loadCore), process.execPath, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(client, 'close');
  const [first] = (await Promise.race([once(client.stdout, 'data'), ended])) as [unknown];
  if (!Buffer.isBuffer(first)) throw new Error(`${gateway.name} did not take ${connections} connections`);
  // What a collection of garbage gives back is given back within seconds of rest.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const octets = residentOctets(pinned.pid);
  client.stdin.end();
  await ended;
  return octets;
}

// Garbage and scaling, ours alone.

async function measureGarbage(tools: Tools): Promise<Figures['garbage']> {
  const gateway = kinds.candorGateway(tools.candor, settings.plain, 1, ['--trace-gc']);
  const pinned = await start(gateway, gatewayCore);
  const startedAt = performance.now() - 500;
  const [small] = works as readonly [Work];
  await run(small, gateway, 3, tools);
  const from = performance.now() - startedAt;
  const { done } = await run(small, gateway, seconds * 2, tools);
  const to = performance.now() - startedAt + 1000;
  await stop(pinned);
  return { ...garbageIn(readFileSync(join(folder, gateway.name, 'said.log'), 'utf8'), from, to), requests: done };
}

async function measureScaling(tools: Tools): Promise<Figures['scaling']> {
  const perSecond = async (workers: number): Promise<number> => {
    const pinned = await start(kinds.candorGateway(tools.candor, settings.plain, workers), null);
    const [small] = works as readonly [Work];
    await run(small, kinds.candorGateway(tools.candor, settings.plain), 2, tools);
    const result = await run(small, kinds.candorGateway(tools.candor, settings.plain), seconds * 2, tools);
    await stop(pinned);
    return result.perSecond;
  };
  return { one: await perSecond(1), two: await perSecond(2) };
}

// What is needed.

interface Started {
  readonly gateway: Gateway;
  readonly pinned: Pinned;
}

async function startAll(names: readonly GatewayName[], setting: Setting, tools: Tools): Promise<Started[]> {
  const started: Started[] = [];
  for (const name of names) {
    const gateway = (tools.start.get(name) as (setting: Setting) => Gateway)(setting);
    started.push({ gateway, pinned: await start(gateway, gatewayCore) });
  }
  return started;
}

async function start(gateway: Gateway, core: number | null): Promise<Pinned> {
  if (await accepts(gateway.port))
    throw new Error(`port ${gateway.port}, where ${gateway.name} is to listen, is taken`);
  const own = join(folder, gateway.name);
  rmSync(own, { recursive: true, force: true });
  mkdirSync(join(own, 'tmp'), { recursive: true });
  for (const [name, text] of Object.entries(gateway.files)) {
    mkdirSync(dirname(join(own, name)), { recursive: true });
    writeFileSync(join(own, name), text);
  }
  const started = startPinned(core, gateway.command, gateway.env, own);
  await waitForPort(gateway.port, started, gateway.name);
  return started;
}

function chosen<T extends string>(text: string, of: readonly T[], what: string): T[] {
  return text.split(',').map((name) => {
    const found = of.find((one) => one === name);
    if (found === undefined) throw new Error(`there is no ${what} ${name}; there are ${of.join(', ')}`);
    return found;
  });
}

function need(name: PeerName): Program {
  const peer = preparePeer(name, console.error);
  if ('missing' in peer) throw new Error(peer.missing);
  return peer;
}

function installTarball(): string {
  const installed = packAndInstall(join(cacheFolder, 'bench', 'package'));
  if ('failure' in installed) throw new Error(installed.failure);
  return installed.folder;
}

function circumstancesOf({ nginx }: Tools): Record<string, string> {
  const said = (peer: Peer, ...words: string[]): string => {
    if ('missing' in peer) return 'not here';
    const ran = spawnSync(peer.path, words, { encoding: 'utf8', env: { ...process.env, ...peer.env } });
    return /(\d+\.\d+(?:\.\d+)?)/.exec(`${ran.stdout}${ran.stderr}`)?.[1] ?? 'of unknown version';
  };
  const revision = execFileSync('git', ['describe', '--always', '--dirty'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  }).trim();
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Linux ${release()}`,
    Candor: `${revision}, ${options.source ? 'unbuilt source' : 'the installed tarball'}, Node ${process.version}`,
    versions: `nginx ${said(nginx, '-v')}, HAProxy ${said(preparePeer('haproxy', say), '-v')}, Caddy ${said(preparePeer('caddy', say), 'version')}, Apache ${said(preparePeer('apache2', say), '-v')}, ${packages.join(', ')}`,
    rounds: `${rounds} of ${seconds} s`,
  };
}
