import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../scripts/repository.ts';
import { gatewayCore, needTwoCores } from './cores.ts';
import { askFixedRate, drive } from './drive.ts';
import { garbageIn } from './garbage.ts';
import { candorGateway, type Gateway, nginxGateway } from './gateways.ts';
import { whyLate } from './measure-added.ts';
import { firstWarmUpS } from './measure-works.ts';
import { minutesPlot } from './minutes-plot.ts';
import {
  judgeMinutes,
  type Minute,
  type MinuteGateway,
  minuteLine,
  minutesExitCode,
  minutesText,
  whyApart,
} from './minutes-verdict.ts';
import { optionsOr, wholeNumber } from './options.ts';
import type { Pinned } from './processes.ts';
import { runTool } from './run-tool.ts';
import { needNoOther, runFolder, startGateway, startOrigins } from './start-gateway.ts';
import { prepareTools, type Tools } from './tools.ts';
import { watched } from './watch-cores.ts';
import { settings, type Work, works } from './works.ts';

const usage = `usage: npm run bench:minutes -- [options]

Small GETs at a fixed rate through Candor and nginx, alternating each minute,
both with their default log. Candor's is rotated, as by default, at 100 MiB.
Prints p50, p99 and p99.9 of each minute, and what disturbed it, and draws a
plot. A minute in which the hypervisor took 6 % of a core or more, other
programs a tenth of the gateway's core, or the load generator was late, is set
apart. No other minute of Candor may be above twice the median.

  --minutes <n>             of both gateways together (60)
  --seconds-per-minute <n>  less than 60 for a trial (60)
  --rate <n>                requests per second (2000)
  --warm-up <n>             seconds of full load before the first minute (${firstWarmUpS})
  --plot <file>             (bench/minutes.svg)
  --source                  the unbuilt source instead of the installed tarball
  --json                    print all figures as JSON
  --help

Exits with 0 if no minute was above, 1 if one was or a measurement failed, 2 for
a usage error, 3 if too few minutes were quiet.

example: npm run bench:minutes -- --minutes 4 --seconds-per-minute 10
`;

const asked = optionsOr(
  usage,
  {
    minutes: { type: 'string', default: '60' },
    'seconds-per-minute': { type: 'string', default: '60' },
    rate: { type: 'string', default: '2000' },
    'warm-up': { type: 'string', default: String(firstWarmUpS) },
    plot: { type: 'string', default: join(repositoryRoot, 'bench', 'minutes.svg') },
    source: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  (values) => ({
    minutes: wholeNumber(values.minutes, '--minutes'),
    seconds: wholeNumber(values['seconds-per-minute'], '--seconds-per-minute'),
    rate: wholeNumber(values.rate, '--rate'),
    warmUpSeconds: wholeNumber(values['warm-up'], '--warm-up', 0),
    plot: values.plot,
    source: values.source,
    json: values.json,
  }),
);
const say = asked.json ? console.error : console.log;
const [small] = works as readonly [Work];

interface Running {
  readonly name: MinuteGateway;
  readonly gateway: Gateway;
  readonly pinned: Pinned;
  /** What V8 has printed so far about its collections; null for a gateway without V8. */
  readonly collectionLines: () => string | null;
}

await runTool(async () => {
  needTwoCores();
  await needNoOther();
  const folder = runFolder('minutes');
  const tools = prepareTools(['candor', 'nginx'], folder, asked.source);
  await startOrigins(tools.nginx, folder);
  const running = [await startCandor(tools), await startNginx(tools)];
  for (const { gateway } of running) await drive(small, gateway.port, asked.warmUpSeconds, tools);

  const minutes: Minute[] = [];
  for (let minute = 1; minute <= asked.minutes; minute++) {
    minutes.push(await measureMinute(running[(minute - 1) % running.length] as Running, minute));
    say(`${minuteLine(minutes.at(-1) as Minute)}  (${minute} of ${asked.minutes})`);
  }
  const verdicts = judgeMinutes(minutes);
  say(`\n${minutesText(minutes, verdicts)}`);
  if (asked.json) console.log(JSON.stringify({ rate: asked.rate, seconds: asked.seconds, minutes, verdicts }, null, 2));
  writeFileSync(asked.plot, minutesPlot(minutes, `A small GET at ${asked.rate.toLocaleString('en')} per second`));
  return minutesExitCode(verdicts);
});

async function startCandor({ candor, folder }: Tools): Promise<Running> {
  const gateway = candorGateway(candor, settings.plain, { nodeFlags: ['--trace-gc'] });
  const own = join(folder, gateway.name);
  const pinned = await startGateway(gateway, gatewayCore, own);
  return { name: 'candor', gateway, pinned, collectionLines: () => readFileSync(join(own, 'said.log'), 'latin1') };
}

async function startNginx({ nginx, folder }: Tools): Promise<Running> {
  const gateway = nginxGateway(nginx, settings.plain, false);
  const pinned = await startGateway(gateway, gatewayCore, join(folder, gateway.name));
  return { name: 'nginx', gateway, pinned, collectionLines: () => null };
}

async function measureMinute({ name, gateway, pinned, collectionLines }: Running, minute: number): Promise<Minute> {
  const before = collectionLines();
  const { value, disturbance } = await watched([pinned.pid], () =>
    askFixedRate(gateway.port, asked.rate, asked.seconds),
  );
  const after = collectionLines();
  const { p50Ms, p99Ms, p999Ms, mostMs, requests, late } = value;
  return {
    ...{ minute, gateway: name, requests, p50Ms, p99Ms, p999Ms, mostMs, late },
    ...disturbance,
    why: whyApart(disturbance, whyLate(value)),
    garbage: before === null || after === null ? null : garbageIn(before, after.slice(before.length)),
  };
}
