import { mkdirSync } from 'node:fs';
import { nginxGatewayTitle, type Server, startServers } from './connection-floor-servers.ts';
import { needTwoCores } from './cores.ts';
import { drive } from './drive.ts';
import { chosen, optionsOr, wholeNumber } from './options.ts';
import { cpuMicroseconds } from './processes.ts';
import { runTool } from './run-tool.ts';
import { needNoOther, runFolder, startOrigins } from './start-gateway.ts';
import { median, ratioOf } from './statistics.ts';
import { needPeer, type Program } from './tools.ts';
import { type Work, type WorkName, works } from './works.ts';

const usage = `usage: npm run bench:connections -- [options]

What a new connection costs: CPU time per small GET on kept and on new
connections, of servers that answer by themselves (nginx, Node on handles of
libuv, Node on sockets) and of gateways (nginx, Candor). They take turns on one
core; compare figures of one run only.

With --tls each connection begins with a handshake. The servers that answer by
themselves are nginx, Node's tls.Server, and Candor's transport without its
gateway.

  --tls
  --works <names>  of small-get, new-connection; with --tls of tls13-full,
                   tls13-resumed, tls12-full, tls12-resumed (all)
  --rounds <n>     of each work (5)
  --seconds <n>    of each round (2)
  --warm-up <n>    seconds of load for each server before it is measured,
                   in equal parts of each work (8; with --tls 40)
  --json           print the figures of all rounds as JSON
  --help

It ends with 0, with 1 if a request failed, with 2 for a wrong command line.

examples: npm run bench:connections -- --rounds 10
          npm run bench:connections -- --tls --works tls13-full
`;

const plainNames = ['small-get', 'new-connection'] as const satisfies readonly WorkName[];
const tlsNames = [
  ...(['tls13-full', 'tls13-resumed', 'tls12-full', 'tls12-resumed'] as const),
] satisfies readonly WorkName[];

const asked = optionsOr(
  usage,
  {
    tls: { type: 'boolean', default: false },
    works: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    'warm-up': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
  ({ tls, works: names, rounds, seconds, 'warm-up': warmUp = tls ? '40' : '8', json }) => ({
    isTls: tls,
    works: worksOf(tls ? tlsNames : plainNames, names),
    rounds: wholeNumber(rounds, '--rounds'),
    seconds: wholeNumber(seconds, '--seconds'),
    warmUpS: wholeNumber(warmUp, '--warm-up'),
    json,
  }),
);

await runTool(run);

function worksOf(all: readonly WorkName[], names: string | undefined): readonly Work[] {
  const wanted = names === undefined ? all : chosen(names, all, 'work');
  return wanted.map((name) => works.find((work) => work.name === name) as Work);
}

/** CPU microseconds per connection, or per request of a kept one, in each round. */
interface Figures {
  readonly server: string;
  readonly work: WorkName;
  readonly rounds: readonly number[];
}

async function run(): Promise<number> {
  needTwoCores();
  await needNoOther();
  const folder = runFolder('connections');
  mkdirSync(folder, { recursive: true });
  const nginx = needPeer('nginx');
  const tools = { wrk: needPeer('wrk'), folder };
  await startOrigins(nginx, folder);
  const servers = await startServers(nginx, asked.isTls, folder);
  const figures: Figures[] = [];
  for (const work of asked.works) {
    figures.push(...(await measure(work, servers, tools)));
    if (!asked.json) console.log(`${work.title}: measured`);
  }
  if (asked.json) console.log(JSON.stringify(figures, null, 2));
  else for (const line of table(figures, servers)) console.log(line);
  return 0;
}

async function measure(
  work: Work,
  servers: readonly Server[],
  tools: { readonly wrk: Program; readonly folder: string },
): Promise<Figures[]> {
  const warmUpS = Math.ceil(asked.warmUpS / asked.works.length);
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
  return servers.map(({ title }, index) => ({ server: title, work: work.name, rounds: measured[index] ?? [] }));
}

/** The median of each row and work, in µs, and how many times that of nginx as a gateway it is, round by round. */
function table(figures: readonly Figures[], servers: readonly Server[]): string[] {
  const roundsOf = (server: string, name: WorkName): readonly number[] =>
    figures.find((one) => one.server === server && one.work === name)?.rounds ?? [];
  const cell = (server: string, { name }: Work): string => {
    const own = roundsOf(server, name);
    return `${median(own).toFixed(1)} (${ratioOf(own, roundsOf(nginxGatewayTitle, name)).median.toFixed(2)})`;
  };
  return [
    '',
    `CPU µs (÷ ${nginxGatewayTitle})`,
    '',
    `| | ${asked.works.map(({ title }) => title).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(asked.works.length)}`,
    ...servers.map(({ title }) => `| ${title} | ${asked.works.map((work) => cell(title, work)).join(' | ')} |`),
  ];
}
