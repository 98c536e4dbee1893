import { gatewayCore, needTwoCores } from './cores.ts';
import { askFixedRate, drive } from './drive.ts';
import { candorGateway, nginxGateway, type Gateway } from './gateways.ts';
import { whyLate } from './measure-added.ts';
import { optionsOr, wholeNumber } from './options.ts';
import { benchPort } from './ports.ts';
import { cpuMicroseconds, type Pinned, stop } from './processes.ts';
import { countingRounds, measureQuietly } from './rounds.ts';
import { runTool } from './run-tool.ts';
import { needNoOther, runFolder, startGateway, startOrigins } from './start-gateway.ts';
import { median } from './statistics.ts';
import { prepareTools } from './tools.ts';
import { watched } from './watch-cores.ts';
import { settings, type Work, works } from './works.ts';

const usage = `usage: npm run bench:flags -- [options]

Candor with several sets of flags of Node and V8, and nginx, in turns on one
core: CPU per small GET at full load, and latencies at a fixed rate.

  --with=<flags>    one more Candor with these flags; may be repeated
  --rounds <n>      that count; a disturbed one is repeated (5)
  --seconds <n>     of each measurement (5)
  --rate <n>        requests per second (2000)
  --warm-up <n>     seconds of full load before the first round (10)
  --source          the unbuilt source instead of the installed tarball
  --json            print all figures as JSON
  --help

Exits with 1 if a measurement failed, and with 2 for a usage error.

example: npm run bench:flags -- --with=--single-threaded-gc
`;

const asked = optionsOr(
  usage,
  {
    with: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '2000' },
    'warm-up': { type: 'string', default: '10' },
    source: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  (values) => ({
    sets: ['', ...values.with],
    rounds: wholeNumber(values.rounds, '--rounds'),
    seconds: wholeNumber(values.seconds, '--seconds'),
    rate: wholeNumber(values.rate, '--rate'),
    warmUpSeconds: wholeNumber(values['warm-up'], '--warm-up'),
    source: values.source,
    json: values.json,
  }),
);
const say = asked.json ? console.error : console.log;
const [small] = works as readonly [Work];

interface Variant {
  readonly title: string;
  readonly gateway: Gateway;
}

await runTool(async () => {
  needTwoCores();
  await needNoOther();
  const folder = runFolder('flags');
  const tools = prepareTools(['candor', 'nginx'], folder, asked.source);
  await startOrigins(tools.nginx, folder);
  const variants: Variant[] = asked.sets.map((text, index) => {
    const nodeFlags = text.split(' ').filter((word) => word !== '');
    const options = { nodeFlags, port: benchPort(20 + index) };
    return { title: `Candor ${text}`.trim(), gateway: candorGateway(tools.candor, settings.plain, options) };
  });
  variants.push({ title: 'nginx', gateway: nginxGateway(tools.nginx, settings.plain, false) });
  const started = new Map<Variant, Pinned>();
  for (const [index, variant] of variants.entries()) {
    started.set(variant, await startGateway(variant.gateway, gatewayCore, `${folder}/${index}`));
    await drive(small, variant.gateway.port, asked.warmUpSeconds, { ...tools, folder });
  }
  const { counted } = await measureQuietly(
    variants,
    { rounds: asked.rounds, repetitionsMax: asked.rounds },
    async (variant) => {
      const { port } = variant.gateway;
      const { pid } = started.get(variant) as Pinned;
      const turn = await watched([pid], async () => {
        const latencies = await askFixedRate(port, asked.rate, asked.seconds);
        const before = cpuMicroseconds(pid);
        const { done, failures } = await drive(small, port, asked.seconds, { ...tools, folder });
        if (failures > 0) throw new Error(`${variant.title} failed ${failures} of ${done} requests`);
        return { ...latencies, cpu: (cpuMicroseconds(pid) - before) / done };
      });
      return { ...turn, why: whyLate(turn.value) };
    },
    (round, _, thrownAway) =>
      say(
        `round ${round} of ${asked.rounds}${thrownAway.map(({ item, why }) => `; ${item.title} repeated: ${why}`).join('')}`,
      ),
  );
  const rows = variants.map(({ title }) => {
    const { rounds, isMarked } = countingRounds(counted.filter(({ item }) => item.title === title));
    const of = (name: 'cpu' | 'p50Ms' | 'p99Ms' | 'p999Ms'): number => median(rounds.map(({ value }) => value[name]));
    return { title, isMarked, cpu: of('cpu'), p50Ms: of('p50Ms'), p99Ms: of('p99Ms'), p999Ms: of('p999Ms') };
  });
  for (const { title, isMarked, cpu, p50Ms, p99Ms, p999Ms } of rows) {
    const times = [p50Ms, p99Ms, p999Ms].map((ms) => ms.toFixed(2).padStart(6)).join(' ');
    say(`${cpu.toFixed(1).padStart(5)} µs, p50 p99 p99.9 ms ${times}  ${title}${isMarked ? ' †' : ''}`);
  }
  if (rows.some(({ isMarked }) => isMarked)) say('† too few rounds were quiet');
  if (asked.json) console.log(JSON.stringify(rows, null, 2));
  for (const pinned of started.values()) await stop(pinned);
  return 0;
});
