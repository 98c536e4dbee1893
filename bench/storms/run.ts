import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packAndInstall } from '../../scripts/pack.ts';
import { withSection } from '../../scripts/comparison-document.ts';
import { cacheFolder, repositoryRoot } from '../../scripts/repository.ts';
import { mayHaveOwnNetwork } from '../../test/soak/may-have-own-network.ts';
import { inOwnNetwork } from '../../test/soak/own-network.ts';
import { machineText, revision, versionsOf } from '../circumstances.ts';
import { chosen, namedLike, optionsOr, wholeNumber } from '../options.ts';
import { runTool } from '../run-tool.ts';
import { needNoOther, runFolder } from '../start-gateway.ts';
import { stormGateways } from './configurations.ts';
import { stormFiles, stormSection } from './document.ts';
import { measureStorm } from './measure.ts';
import { readResults, secondsLeft, type StormRow, type Turn, turnsOf, withRow, writeResults } from './results.ts';
import { type Storm, storms } from './storms.ts';
import { legend, stormTable } from './table.ts';

const resultsFile = join(cacheFolder, 'bench', 'storms.json');

const usage = `usage: npm run bench:storms -- [options]

Candor, nginx, HAProxy and Caddy while the origins behind them restart, fail,
disappear or are asked for too much: what clients see, what origins get, and
how long it takes until all is well. All storms and gateways: 15 minutes.

  --only <texts>      storms whose name contains one of these (all):
${list(storms)}
  --gateways <names>  of ${stormGateways.join(', ')} (all)
  --resume            leave out what the file of results has of this commit,
                      unless the machine was not quiet: after an interruption,
                      and to repeat what was disturbed
  --seconds <n>       of each storm, instead of its own length; 3 or more
  --percent <n>       of the requests and clients of each storm, for a machine
                      that is busy otherwise (100)
  --seed <text>       of methods and pauses (storms)
  --source            the unbuilt source instead of the installed tarball
  --json              print the figures of this run as JSON
  --write             write the section of docs/comparison.md, its
                      figures and plots, with all rows of the file of results
  --results <file>    where each row is saved as soon as it was measured
                      (.cache/bench/storms.json)
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
    resume: { type: 'boolean', default: false },
    results: { type: 'string', default: resultsFile },
  },
  (values) => ({
    storms: namedLike(values.only, storms, 'storm'),
    gateways: chosen(values.gateways, stormGateways, 'gateway'),
    seconds: values.seconds === undefined ? null : atLeast3(wholeNumber(values.seconds, '--seconds')),
    scale: wholeNumber(values.percent, '--percent') / 100,
    seed: values.seed,
    source: values.source,
    json: values.json,
    write: values.write,
    resume: values.resume,
    results: values.results,
    revision: revision(),
  }),
);

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
  let rows = readResults(asked.results);
  const turns = turnsOf(asked, rows);
  const measured: StormRow[] = [];
  if (turns.length > 0) {
    const { seconds, scale, seed, revision } = asked;
    const options = { candor: candorFolder(), folder: runFolder('storms'), revision, seconds, scale, seed, isAlone };
    for (const [index, turn] of turns.entries()) {
      console.error(progressText(turns, index));
      const row = await measureStorm(turn.storm, turn.gateway, options);
      measured.push(row);
      rows = withRow(rows, row);
      writeResults(asked.results, rows);
      const isLast = turns[index + 1]?.storm !== turn.storm;
      if (isLast) say(`\n${stormTable(turn.storm, measured.filter(isOf(turn.storm)))}\n`);
    }
    say(legend);
  }
  if (asked.json) console.log(JSON.stringify({ isAlone, figures: measured }, null, 2));
  const again = measured.filter(({ disturbed }) => disturbed !== null).length;
  if (again > 0) say(`\n${again} of ${measured.length} rows were disturbed: --resume measures them again.`);
  if (asked.write) write(rows);
  return 0;
}

function isOf({ name }: Storm): (row: StormRow) => boolean {
  return ({ storm }) => storm === name;
}

/** "12 of 66: fault-500, haproxy (8 s); 10 min left". */
function progressText(turns: readonly Turn[], index: number): string {
  const { storm, gateway, seconds } = turns[index] as Turn;
  const left = Math.ceil(secondsLeft(turns.slice(index)) / 60);
  return `${index + 1} of ${turns.length}: ${storm.name}, ${gateway} (${seconds} s); ${left} min left`;
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

function write(rows: readonly StormRow[]): void {
  const document = join(repositoryRoot, 'docs', 'comparison.md');
  const lines = stormSection(rows, { machine: machineText(), versions: versionsOf([...stormGateways]) });
  writeFileSync(document, withSection(readFileSync(document, 'utf8'), 'storms', lines));
  for (const [name, text] of Object.entries(stormFiles(rows)))
    writeFileSync(join(repositoryRoot, 'bench', 'storms', name), text);
}
