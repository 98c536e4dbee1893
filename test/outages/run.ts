import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../../scripts/repository.ts';
import { TestBundle } from '../../scripts/test-bundle.ts';
import { controls, findPlay, isPlaySet, outages, playSets } from './corpus.ts';
import { judgeControl, judgeOutage } from './judge.ts';
import { judgeTable } from './judge-table.ts';
import { PlayRunner } from './play-runner.ts';
import type { PlayResult } from './play-result.ts';
import { ResultsFile } from './results-file.ts';

const usage = `usage: run.ts [options]

Plays outages, and situations in which nothing is wrong, against a gateway: applications, what is behind them, and clients are
processes of this machine. Each play takes some four minutes. Results are appended to .cache/outages/<label>.jsonl; a play whose
result is there is skipped.

  --only <name>     this play alone; may be repeated
  --kind <kind>     plays of this kind alone
  --set <set>       first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth or all (all)
  --at-once <n>     (5)
  --label <text>    (the commit)
  --again           plays what has a result too
  --quick           short times: whether clients meet what the play is meant to do. The label is then quick
  --judge <label>   prints what came of a label, and plays nothing
  --help

It ends with 0 where every play was played, 1 where one could not be.

example: npm run try:outages -- --at-once 5 --label before
`;

const options = readOptions();
if (options.judge === undefined) await playAll();
else console.log(judge(options.judge));

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        kind: { type: 'string' },
        set: { type: 'string', default: 'all' },
        'at-once': { type: 'string', default: '5' },
        label: { type: 'string' },
        again: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        judge: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    for (const name of values.only ?? []) findPlay(name);
    const { set } = values;
    if (!isPlaySet(set))
      throw new Error('--set takes first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth or all.');
    if (!(Number(values['at-once']) >= 1)) throw new Error('--at-once takes a number.');
    return { ...values, set };
  } catch (error) {
    console.error(`${(error as Error).message.split('. ')[0] ?? ''}\n\n${usage}`);
    process.exit(2);
  }
}

function judge(label: string): string {
  const results = new ResultsFile<PlayResult>('outages', label).read();
  const isOfSet = ({ name }: { readonly name: string }): boolean =>
    playSets[options.set].some((play) => play.name === name);
  const of = (name: string): PlayResult[] => {
    const result = results.get(name);
    return result === undefined || result.failure !== undefined ? [] : [result];
  };
  return judgeTable(
    outages.filter(isOfSet).flatMap((outage) => of(outage.name).map((result) => judgeOutage(outage, result))),
    controls.filter(isOfSet).flatMap(({ name, kind }) => of(name).map((result) => judgeControl(kind, result))),
  );
}

async function playAll(): Promise<void> {
  const label = options.quick ? 'quick' : (options.label ?? commit());
  const file = new ResultsFile<PlayResult>('outages', label);
  const results = file.read();
  const isDone = (name: string): boolean =>
    !options.again && results.get(name)?.failure === undefined && results.has(name);
  const wanted = playSets[options.set].filter(
    ({ name, kind }) => (options.only?.includes(name) ?? true) && kind === (options.kind ?? kind) && !isDone(name),
  );
  const bundle = await new TestBundle().current();
  console.error(`${wanted.length} plays, ${options['at-once']} at once; results: ${file.path}`);
  await new PlayRunner({
    ...{ file, bundle, program: join(import.meta.dirname, 'play-process.ts') },
    plays: wanted.map(({ name, play }) => ({
      name,
      words: [name, options.quick ? 'quick' : ''],
      isHeavy: play.isHeavy === true,
    })),
    textOf: ({ wallSeconds, cpuSeconds }) => `played in ${wallSeconds} s, ${cpuSeconds} s of processor time`,
  }).run(Number(options['at-once']));
}

function commit(): string {
  const args = ['-C', repositoryRoot, 'rev-parse', '--short=12', 'HEAD'];
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}
