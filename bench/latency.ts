import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../scripts/repository.ts';
import { gatewayCore, loadCore, needTwoCores } from './cores.ts';
import { candorGateway, type Gateway, nginxGateway, originPort } from './gateways.ts';
import type { Hop, Hops } from './hops.ts';
import { type LoopUse, loopUseIn } from './loop-lines.ts';
import { optionsOr, wholeNumber } from './options.ts';
import { ask, stop } from './processes.ts';
import { type Disturbance, whyDisturbed } from './quiet.ts';
import { runTool } from './run-tool.ts';
import { needNoOther, runFolder, startGateway } from './start-gateway.ts';
import { median } from './statistics.ts';
import { prepareTools } from './tools.ts';
import { watched } from './watch-cores.ts';
import { settings } from './works.ts';

const usage = `usage: npm run bench:latency -- [options]

Where the latency of a small GET comes from at a fixed rate: client and origin
are one process with one clock, which times the way of the request through the
gateway and the way of the response apart. Of Candor it prints the event loops
too: turns per second, events in a turn, and how long a turn is active.

  --rate <n>      requests per second (2000)
  --seconds <n>   of each measurement (10)
  --warm-up <n>   seconds at twice the rate before it (10)
  --older-node <folder>  instead: Candor with this folder first on PATH and the
                  npm package node beside it, and with this Node, by turns
  --rounds <n>    of that (5)
  --source        the unbuilt source instead of the installed tarball
  --json          print all figures as JSON
  --help

Exits with 1 if a measurement failed, and with 2 for a usage error.

example: npm run bench:latency -- --rate 500 --seconds 5
`;

const asked = optionsOr(
  usage,
  {
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '10' },
    'warm-up': { type: 'string', default: '10' },
    'older-node': { type: 'string' },
    rounds: { type: 'string', default: '5' },
    source: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  (values) => ({
    rate: wholeNumber(values.rate, '--rate'),
    seconds: wholeNumber(values.seconds, '--seconds'),
    warmUpSeconds: wholeNumber(values['warm-up'], '--warm-up'),
    olderNode: values['older-node'] ?? null,
    rounds: wholeNumber(values.rounds, '--rounds'),
    source: values.source,
    json: values.json,
  }),
);
const say = asked.json ? console.error : console.log;
const connections = 20;

interface Split {
  readonly name: string;
  readonly hops: Hops;
  readonly disturbance: Disturbance | null;
  readonly loops: readonly LoopUse[];
}

await runTool(async () => {
  needTwoCores();
  await needNoOther();
  const folder = runFolder('latency');
  const tools = prepareTools(['candor', 'nginx'], folder, asked.source);
  if (asked.olderNode !== null) return compareNodes(tools.candor, asked.olderNode, folder);
  const nodeFlags = ['--import', join(repositoryRoot, 'bench', 'loop-probe.ts')];
  const candor = candorGateway(tools.candor, settings.plain, { nodeFlags });
  const splits: Split[] = [
    {
      name: 'without a gateway',
      hops: await askHops(originPort, asked.rate, asked.seconds),
      disturbance: null,
      loops: [],
    },
    await measureSplit(nginxGateway(tools.nginx, settings.plain, false), folder),
    await measureSplit(candor, folder),
  ];
  for (const split of splits) say(splitText(split));
  if (asked.json) console.log(JSON.stringify({ rate: asked.rate, splits }, null, 2));
  return 0;
});

async function askHops(port: number, perSecond: number, seconds: number): Promise<Hops> {
  const program = join(repositoryRoot, 'bench', 'hops.ts');
  const words = [port, originPort, perSecond, seconds, connections].map(String);
  return JSON.parse(await ask(loadCore, [process.execPath, program, ...words], {}, 'background')) as Hops;
}

/** Whether a machine's older Node costs latency: `bin/candor` finds the newer one beside it and executes it in place. */
async function compareNodes(installed: string, olderNode: string, folder: string): Promise<number> {
  const beside = join(installed, '..', 'node');
  if (!existsSync(beside)) symlinkSync(join(repositoryRoot, 'node_modules', 'node'), beside);
  const ways = [
    { name: 'this Node', gateway: candorGateway(installed, settings.plain) },
    { name: 'older Node', gateway: candorGateway(installed, settings.plain, { nodeFolder: olderNode }) },
  ];
  const p99s: number[][] = [[], []];
  for (let round = 0; round < asked.rounds; round++) {
    for (const turn of [0, 1]) {
      const way = (round + turn) % 2;
      const { name, gateway } = ways[way]!;
      const split = await measureSplit(gateway, folder);
      say(splitText({ ...split, name }));
      if (split.disturbance === null || whyDisturbed(split.disturbance) === null)
        p99s[way]!.push(split.hops.total.p99Ms);
    }
  }
  const [own, older] = p99s.map((values) => values.sort((a, b) => a - b));
  const ratio = median(older!) / median(own!);
  say(
    `p99 with this Node ${own!.join(', ')} ms; with an older one on PATH ${older!.join(', ')} ms; ratio of medians ${ratio.toFixed(3)}`,
  );
  if (asked.json) console.log(JSON.stringify({ own, older, ratio }));
  return 0;
}

async function measureSplit(gateway: Gateway, folder: string): Promise<Split> {
  const own = join(folder, gateway.name);
  const pinned = await startGateway(gateway, gatewayCore, own);
  await askHops(gateway.port, asked.rate * 2, asked.warmUpSeconds);
  const said = (): string => readFileSync(join(own, 'said.log'), 'latin1');
  const before = said().length;
  const { value, disturbance } = await watched([pinned.pid], () => askHops(gateway.port, asked.rate, asked.seconds));
  await stop(pinned);
  return { name: gateway.name, hops: value, disturbance, loops: loopUseIn(said().slice(before)) };
}

function splitText({ name, hops, disturbance, loops }: Split): string {
  const why = disturbance === null ? null : whyDisturbed(disturbance);
  const hop = (what: string, { p50Ms, p99Ms }: Hop): string =>
    `  ${what.padEnd(22)} p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(3)} ms`;
  return [
    `${name}: ${hops.requests} requests, ${hops.late} late${why === null ? '' : `; not quiet: ${why}`}`,
    hop('due to client write', hops.queued),
    hop('client to origin', hops.toOrigin),
    hop('origin to client', hops.toClient),
    hop('due to response', hops.total),
    ...loops.map(loopText),
  ].join('\n');
}

function loopText({ thread, loops, events, activeMs, idleMs }: LoopUse): string {
  const seconds = (activeMs + idleMs) / 1000;
  const turns = `${(loops / seconds).toFixed(0)} turns/s with ${(events / loops).toFixed(2)} events each`;
  return `  loop of ${thread}: ${turns}, ${((activeMs / loops) * 1000).toFixed(0)} µs active each, ${((100 * activeMs) / (activeMs + idleMs)).toFixed(0)} % of the time`;
}
