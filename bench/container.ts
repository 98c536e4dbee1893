import { join } from 'node:path';
import {
  createGroup,
  type GroupFiles,
  memoryPeakOf,
  removeGroups,
  type Throttled,
  throttledOf,
  withinGroup,
} from './cgroup.ts';
import { type ContainerFigures, containerText } from './container-text.ts';
import { gatewayCore, needTwoCores } from './cores.ts';
import { askFixedRate, drive } from './drive.ts';
import { candorGateway, type Gateway, nginxGateway } from './gateways.ts';
import { whyLate } from './measure-added.ts';
import { optionsOr, wholeNumber } from './options.ts';
import { cpuMicroseconds, type Pinned, residentBytes, stop } from './processes.ts';
import { runTool } from './run-tool.ts';
import { countingRounds, measureQuietly } from './rounds.ts';
import { needNoOther, runFolder, startGateway, startOrigins } from './start-gateway.ts';
import { prepareTools, type Tools } from './tools.ts';
import { watched } from './watch-cores.ts';
import { settings, type Work, works } from './works.ts';

const usage = `usage: npm run bench:container -- [options]

Candor and nginx in a small container, one after the other: a control group with
a part of a core and a limit of memory. Prints how long each takes to start,
requests per second at full load, CPU per request, p99 at fixed rates, memory,
and how long the kernel kept it from running. It needs root.

  --cpus <n>             parts of a core (0.5)
  --memory <n>           MiB (256)
  --rates <list>         requests per second (200,1000)
  --seconds <n>          of each measurement (10)
  --warm-up <n>          seconds of full load before it (5)
  --rounds <n>           that count; a disturbed one is repeated (3)
  --no-repeat            a disturbed round is kept, with a mark
  --node-options=<text>  Candor once more with these flags of Node or V8; may be
                         repeated
  --source               the unbuilt source instead of the installed tarball
  --json                 print all figures as JSON
  --help

Exits with 1 if a measurement failed or no control group can be created, and
with 2 for a usage error.

example: npm run bench:container -- --node-options=--max-semi-space-size=1
`;

const asked = optionsOr(
  usage,
  {
    cpus: { type: 'string', default: '0.5' },
    memory: { type: 'string', default: '256' },
    rates: { type: 'string', default: '200,1000' },
    seconds: { type: 'string', default: '10' },
    'warm-up': { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    'no-repeat': { type: 'boolean', default: false },
    'node-options': { type: 'string', multiple: true, default: [] },
    source: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  (values) => ({
    limits: { cpus: partOfCore(values.cpus), memoryBytes: wholeNumber(values.memory, '--memory') * 1024 * 1024 },
    rates: values.rates.split(',').map((rate) => wholeNumber(rate, '--rates')),
    seconds: wholeNumber(values.seconds, '--seconds'),
    warmUpSeconds: wholeNumber(values['warm-up'], '--warm-up', 0),
    rounds: wholeNumber(values.rounds, '--rounds'),
    repetitionsMax: values['no-repeat'] ? 0 : wholeNumber(values.rounds, '--rounds'),
    nodeOptions: values['node-options'],
    source: values.source,
    json: values.json,
  }),
);
const say = asked.json ? console.error : console.log;
const [small] = works as readonly [Work];

interface Contained {
  readonly title: string;
  readonly gateway: Gateway;
}

await runTool(async () => {
  needTwoCores();
  await needNoOther();
  const folder = runFolder('container');
  const group = createGroup(`candor-bench-${process.pid}`, asked.limits);
  const tools = prepareTools(['candor', 'nginx'], folder, asked.source);
  await startOrigins(tools.nginx, folder);
  const items = containedGateways(tools);
  const { counted } = await measureQuietly(
    items,
    { rounds: asked.rounds, repetitionsMax: asked.repetitionsMax },
    (item) => measureContained(item, group, tools),
    (round, _, thrownAway) => {
      say(
        `round ${round} of ${asked.rounds}${thrownAway.map(({ item, why }) => `; ${item.title} repeated: ${why}`).join('')}`,
      );
    },
  );
  const rows = items.map(({ title }) => {
    const { rounds, isMarked } = countingRounds(counted.filter(({ item }) => item.title === title));
    return { title, isMarked, rounds: rounds.map(({ value }) => value) };
  });
  say(containerText(rows));
  if (asked.json) console.log(JSON.stringify({ limits: asked.limits, rows }, null, 2));
  return 0;
}, removeGroups);

function partOfCore(text: string): number {
  const cpus = Number(text);
  if (cpus > 0 && cpus <= 1) return cpus;
  throw new Error('--cpus takes a number above 0, and 1 at most.');
}

function containedGateways({ nginx, candor }: Tools): Contained[] {
  const flags = [[], ...asked.nodeOptions.map((text) => text.split(' ').filter((word) => word !== ''))];
  return [
    ...flags.map((nodeFlags) => ({
      title: ['Candor', ...nodeFlags].join(' '),
      gateway: candorGateway(candor, settings.plain, { nodeFlags }),
    })),
    { title: 'nginx', gateway: nginxGateway(nginx, settings.plain, false) },
  ];
}

/** Starts the gateway in the group, measures it, and stops it. */
async function measureContained({ gateway }: Contained, group: GroupFiles, { wrk, folder }: Tools) {
  const contained = { ...gateway, command: withinGroup(group, gateway.command) };
  const startedAt = performance.now();
  const pinned = await startGateway(contained, gatewayCore, join(folder, gateway.name));
  const startMs = performance.now() - startedAt;
  await drive(small, gateway.port, asked.warmUpSeconds, { wrk, folder });
  const lateness: (string | null)[] = [];
  const { value, disturbance } = await watched([pinned.pid], async (): Promise<ContainerFigures> => {
    const rates: ContainerFigures['rates'][number][] = [];
    for (const perSecond of asked.rates) {
      const before = throttledOf(group);
      const latencies = await askFixedRate(gateway.port, perSecond, asked.seconds);
      lateness.push(whyLate(latencies));
      const { p50Ms, p99Ms, late } = latencies;
      rates.push({ perSecond, p50Ms, p99Ms, late, throttledMs: throttledOf(group).throttledMs - before.throttledMs });
    }
    const full = await measureFull(gateway, pinned, group, { wrk, folder });
    const memory = { residentBytes: residentBytes(pinned.pid), groupPeakBytes: memoryPeakOf(group) };
    return { startMs, rates, ...full, ...memory };
  });
  await stop(pinned);
  return { value, disturbance, why: lateness.find((why) => why !== null) ?? null };
}

/** At full load, as much as the container gets done. */
async function measureFull(gateway: Gateway, { pid }: Pinned, group: GroupFiles, tools: Pick<Tools, 'wrk' | 'folder'>) {
  const before: readonly [number, Throttled] = [cpuMicroseconds(pid), throttledOf(group)];
  const { done, perSecond, failures } = await drive(small, gateway.port, asked.seconds, tools);
  if (failures > 0) throw new Error(`${gateway.name} failed ${failures} of ${done} requests`);
  const after = throttledOf(group);
  return {
    perSecond,
    cpuMicroseconds: (cpuMicroseconds(pid) - before[0]) / done,
    throttledMs: after.throttledMs - before[1].throttledMs,
    throttledShare:
      (after.throttledPeriods - before[1].throttledPeriods) / Math.max(1, after.periods - before[1].periods),
  };
}
