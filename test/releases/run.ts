import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../../scripts/repository.ts';
import { TestBundle } from '../../scripts/test-bundle.ts';
import { PlayRunner } from '../outages/play-runner.ts';
import { ResultsFile } from '../outages/results-file.ts';
import { judgeTable } from './judge-table.ts';
import { judgeRelease } from './judge.ts';
import { allReleases, type PlayResult, strategies } from './play-result.ts';

const usage = `usage: run.ts [options]

Deploys releases of a small shop behind a gateway while clients use it: each release with each strategy, in real time. A play takes
some four minutes, that of a slow release up to twelve. Results are appended to .cache/releases/<label>.jsonl; a play whose result
is there is skipped.

  --only <name>        this release alone; may be repeated
  --strategy <name>    blue_green or canary alone
  --at-once <n>        (2)
  --before <seconds>   of traffic before the deployment (75)
  --short              without slow releases
  --label <text>       (the commit)
  --again              plays what has a result too
  --judge <label>      prints what came of a label, and plays nothing
  --help

It ends with 0 where every play was played, 1 where one could not be.

example: npm run try:releases -- --at-once 2 --label before
`;

const options = readOptions();
if (options.judge === undefined) await playAll();
else console.log(tableOf(options.judge));

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        strategy: { type: 'string' },
        'at-once': { type: 'string', default: '2' },
        before: { type: 'string', default: '75' },
        short: { type: 'boolean', default: false },
        label: { type: 'string' },
        again: { type: 'boolean', default: false },
        judge: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    for (const only of values.only ?? [])
      if (!allReleases.some(({ name }) => name === only)) throw new Error(`there is no release ${only}`);
    if (values.strategy !== undefined && !strategies.some((one) => one === values.strategy))
      throw new Error('--strategy takes blue_green or canary.');
    if (!(Number(values['at-once']) >= 1)) throw new Error('--at-once takes a number.');
    if (!(Number(values.before) >= 0)) throw new Error('--before takes a number.');
    return values;
  } catch (error) {
    console.error(`${(error as Error).message.split('. ')[0] ?? ''}\n\n${usage}`);
    process.exit(2);
  }
}

function tableOf(label: string): string {
  const results = [...new ResultsFile<PlayResult>('releases', label).read().values()];
  const played = results.filter(({ failure }) => failure === undefined);
  const failed = results.filter(({ failure }) => failure !== undefined);
  const table = judgeTable(played.map(judgeRelease));
  return [table, ...failed.map(({ name }) => `not played: ${name}`)].join('\n');
}

async function playAll(): Promise<void> {
  const file = new ResultsFile<PlayResult>('releases', options.label ?? commit());
  const results = file.read();
  const isDone = (name: string): boolean =>
    !options.again && results.has(name) && results.get(name)?.failure === undefined;
  const wanted = allReleases
    .filter(({ name, slow }) => (options.only?.includes(name) ?? true) && !(options.short && slow))
    .flatMap(({ name }) => strategies.map((strategy) => ({ name: `${name} ${strategy}`, release: name, strategy })))
    .filter(({ name, strategy }) => strategy === (options.strategy ?? strategy) && !isDone(name));
  const bundle = await new TestBundle().current();
  console.error(`${wanted.length} plays, ${options['at-once']} at once; results: ${file.path}`);
  await new PlayRunner({
    ...{ file, bundle, program: join(import.meta.dirname, 'play-process.ts'), textOf: progressText },
    plays: wanted.map(({ name, release, strategy }) => ({ name, words: [release, strategy, options.before] })),
  }).run(Number(options['at-once']));
}

function progressText(result: PlayResult): string {
  const { isOk, why, foundAfter, harmed } = judgeRelease(result);
  const found = foundAfter === null ? '' : `, found after ${foundAfter} s`;
  return `${isOk ? 'ok' : 'NOT OK'}: ${why}${found}, ${harmed} of ${result.after.requests} requests harmed`;
}

function commit(): string {
  const args = ['-C', repositoryRoot, 'rev-parse', '--short=12', 'HEAD'];
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}
