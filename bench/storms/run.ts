import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packAndInstall } from '../../scripts/pack.ts';
import { withSection } from '../../scripts/comparison-document.ts';
import { cacheFolder, repositoryRoot } from '../../scripts/repository.ts';
import { inOwnNetwork, mayHaveOwnNetwork } from '../../test/soak/own-network.ts';
import { machineText, revision, versionsOf } from '../circumstances.ts';
import { chosen, optionsOr, wholeNumber } from '../options.ts';
import { runTool } from '../run-tool.ts';
import { needNoOther, runFolder } from '../start-gateway.ts';
import { stormPlot, stormSection } from './document.ts';
import type { StormFigures } from './figures.ts';
import { stormGateways } from './gateways.ts';
import { measureStorm } from './measure.ts';
import { type Storm, storms } from './storms.ts';
import { legend, stormTable } from './table.ts';

const usage = `usage: npm run bench:storms -- [options]

Candor, nginx, HAProxy and Caddy while the origins behind them restart, fail,
disappear or are asked for too much: what clients see, what origins get, and
how long it takes until all is well. All storms and gateways: 20 minutes.

  --only <texts>      storms whose name contains one of these (all):
${list(storms)}
  --gateways <names>  of ${stormGateways.join(', ')} (all)
  --seconds <n>       of each storm, instead of its own length; 3 or more
  --percent <n>       of the requests and clients of each storm, for a machine
                      that is busy otherwise (100)
  --seed <text>       of methods and pauses (storms)
  --source            the unbuilt source instead of the installed tarball
  --json              print all figures as JSON
  --write             write the section and the plot of docs/comparison.md
  --help

The run has a network namespace of its own where Linux allows it. Otherwise
connections that were refused are not counted.

Exits with 1 if a measurement failed, and with 2 for a usage error.

example: npm run bench:storms -- --only outage,overload --gateways candor,nginx
`;

function list(all: readonly Storm[]): string {
  const lines = [''];
  for (const { name } of all) {
    if (`${lines.at(-1)} ${name},`.length > 54) lines.push('');
    lines.push(`${lines.pop()} ${name},`);
  }
  return lines.map((line) => `                     ${line}`).join('\n');
}

const asked = optionsOr(
  usage,
  {
    only: { type: 'string', default: '' },
    gateways: { type: 'string', default: stormGateways.join(',') },
    seconds: { type: 'string' },
    percent: { type: 'string', default: '100' },
    seed: { type: 'string', default: 'storms' },
    source: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
  (values) => ({
    storms: stormsWith(values.only),
    gateways: chosen(values.gateways, stormGateways, 'gateway'),
    seconds: values.seconds === undefined ? null : atLeast3(wholeNumber(values.seconds, '--seconds')),
    scale: wholeNumber(values.percent, '--percent') / 100,
    seed: values.seed,
    source: values.source,
    json: values.json,
    write: values.write,
  }),
);

function stormsWith(only: string): readonly Storm[] {
  const texts = only.split(',');
  const found = storms.filter(({ name }) => texts.some((text) => name.includes(text)));
  if (found.length === 0) throw new Error(`no storm has a name with ${only}.`);
  return found;
}

function atLeast3(seconds: number): number {
  if (seconds < 3) throw new Error('--seconds takes 3 or more.');
  return seconds;
}

const isAlone = mayHaveOwnNetwork();
const exitCode = isAlone ? inOwnNetwork({}) : null;
if (exitCode === null) await runTool(run);
else process.exitCode = exitCode;

async function run(): Promise<number> {
  const say = asked.json ? console.error : console.log;
  endWithParent();
  await needNoOther();
  const { seconds, scale, seed } = asked;
  const options = { candor: candorFolder(), folder: runFolder('storms'), seconds, scale, seed, isAlone };
  const all: StormFigures[] = [];
  for (const storm of asked.storms) {
    const figures: StormFigures[] = [];
    for (const gateway of asked.gateways) figures.push(await measureStorm(storm, gateway, options));
    say(`${stormTable(storm, figures)}\n`);
    all.push(...figures);
  }
  say(legend);
  if (asked.json) console.log(JSON.stringify({ seconds, scale, seed, isAlone, figures: all }, null, 2));
  if (asked.write) write(all);
  return 0;
}

/** The program that made the network namespace waits for this one, and cannot pass SIGTERM on. */
function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGTERM'), 1000).unref();
}

function candorFolder(): string {
  if (asked.source) return repositoryRoot;
  const installed = packAndInstall(join(cacheFolder, 'bench', 'package'));
  if ('failure' in installed) throw new Error(installed.failure);
  return installed.folder;
}

function write(figures: readonly StormFigures[]): void {
  const document = join(repositoryRoot, 'docs', 'comparison.md');
  const part = asked.scale === 1 ? '' : `, with ${asked.scale * 100} % of the requests and clients`;
  const date = new Date().toISOString().slice(0, 10);
  const circumstances = `${date}, ${machineText()}${part}; Candor ${revision()}, ${versionsOf(asked.gateways).join(', ')}`;
  writeFileSync(document, withSection(readFileSync(document, 'utf8'), 'storms', stormSection(figures, circumstances)));
  writeFileSync(join(repositoryRoot, 'bench', 'storms', 'storms.svg'), stormPlot(figures));
}
