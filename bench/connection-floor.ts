import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../scripts/repository.ts';
import { gatewayCore, needTwoCores } from './cores.ts';
import { drive } from './drive.ts';
import { candorGateway, type Gateway, nginxGateway, nginxPage } from './gateways.ts';
import { optionsOr, wholeNumber } from './options.ts';
import { benchPort } from './ports.ts';
import { cpuMicroseconds, type Pinned } from './processes.ts';
import { runTool } from './run-tool.ts';
import { needNoOther, runFolder, startGateway, startOrigins } from './start-gateway.ts';
import { median } from './statistics.ts';
import { needPeer, type Program } from './tools.ts';
import { settings, works } from './works.ts';

const usage = `usage: npm run bench:connections -- [options]

What a new connection costs: CPU time per small GET on kept and on new
connections, of servers that answer by themselves (nginx, Node on handles of
libuv, Node on sockets) and of gateways (nginx, Candor). They take turns on one
core; compare figures of one run only.

  --rounds <n>   of each work (5)
  --seconds <n>  of each round (2)
  --help

It ends with 0, with 1 if a request failed, with 2 for a wrong command line.

example: npm run bench:connections -- --rounds 10
`;

/** Of each work. */
const warmUpS = 4;
const compared = ['small-get', 'new-connection'] as const;

const asked = optionsOr(
  usage,
  { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '2' } },
  ({ rounds, seconds }) => ({
    rounds: wholeNumber(rounds, '--rounds'),
    seconds: wholeNumber(seconds, '--seconds'),
  }),
);

await runTool(run);

interface Server {
  readonly title: string;
  readonly port: number;
  readonly pinned: Pinned;
}

/** A program that answers requests on Node without doing anything else. */
function nodePage(mode: 'handle' | 'socket', port: number): Gateway {
  const program = join(repositoryRoot, 'bench', 'connection-floor-server.ts');
  const command = [process.execPath, '--single-threaded-gc', program, mode, String(port)];
  return { name: 'relay', port, command, env: {}, files: {} };
}

async function startServers(nginx: Program, folder: string): Promise<Server[]> {
  const gateways: readonly (readonly [title: string, gateway: Gateway])[] = [
    ['nginx, its own answer', nginxPage(nginx, benchPort(15))],
    ['Node on handles, its own answer', nodePage('handle', benchPort(16))],
    ['Node on sockets, its own answer', nodePage('socket', benchPort(17))],
    ['nginx, to an endpoint', nginxGateway(nginx, settings.plain, false)],
    ['Candor, to an endpoint', candorGateway(repositoryRoot, settings.plain)],
  ];
  const servers: Server[] = [];
  for (const [title, gateway] of gateways) {
    const own = join(folder, String(gateway.port));
    servers.push({ title, port: gateway.port, pinned: await startGateway(gateway, gatewayCore, own) });
  }
  return servers;
}

async function run(): Promise<number> {
  needTwoCores();
  await needNoOther();
  const folder = runFolder('connections');
  mkdirSync(folder, { recursive: true });
  const nginx = needPeer('nginx');
  const tools = { wrk: needPeer('wrk'), folder };
  await startOrigins(nginx, folder);
  const servers = await startServers(nginx, folder);
  const figures: Record<(typeof compared)[number], number[]> = { 'small-get': [], 'new-connection': [] };
  for (const name of compared) {
    const measured = await measure(name, servers, tools);
    figures[name] = measured.map((values) => median(values));
  }
  console.log('| | kept connection, µs | new connection, µs | difference |\n| --- | ---: | ---: | ---: |');
  servers.forEach(({ title }, index) => {
    const [kept, fresh] = compared.map((name) => figures[name][index] as number) as [number, number];
    console.log(`| ${title} | ${kept.toFixed(1)} | ${fresh.toFixed(1)} | ${(fresh - kept).toFixed(1)} |`);
  });
  return 0;
}

/** CPU microseconds per request of each server, in each round. */
async function measure(
  name: (typeof compared)[number],
  servers: readonly Server[],
  tools: { readonly wrk: Program; readonly folder: string },
): Promise<number[][]> {
  const work = works.find((one) => one.name === name) as (typeof works)[number];
  for (const { port } of servers) await drive(work, port, warmUpS, tools);
  const measured: number[][] = servers.map(() => []);
  for (let round = 0; round < asked.rounds; round++) {
    for (const [index, { title, port, pinned }] of servers.entries()) {
      const before = cpuMicroseconds(pinned.pid);
      const { done, failures } = await drive(work, port, asked.seconds, tools);
      if (failures > 0) throw new Error(`${title} failed ${failures} of ${done} requests (${work.title})`);
      measured[index]?.push((cpuMicroseconds(pinned.pid) - before) / done);
    }
  }
  return measured;
}
