import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../scripts/repository.ts';
import { machineText } from './circumstances.ts';
import { checkOut, type CommitTree, hasUncommitted, resolveCommit, takeAway } from './commit-tree.ts';
import { needTwoCores } from './cores.ts';
import { judge, judgeAlike, judgementText, ratioMax, type Round } from './judgement.ts';
import { chosen, wrongWords } from './options.ts';
import { measureTogether, roundsPerStart } from './measure-together.ts';
import { stopAll } from './processes.ts';
import { needNoOther, startCollector, startOrigins } from './start-gateway.ts';
import { intervalRank } from './statistics.ts';
import { needPeer } from './tools.ts';
import { workNames, works } from './works.ts';

const usage = `usage: npm run bench:compare -- <older> [<newer>] [options]
       npm run bench:compare -- --against-itself [<commit>] [options]
       npm run bench:compare -- --configuration <lines> [<commit>] [options]

Compares the CPU time per request of two commits of this repository on this
machine. The newer commit defaults to HEAD. Both gateways run at the same time
on one core, each with its own load on the other core.

  --works <names>    of ${workNames.slice(0, 5).join(', ')},
                     ${workNames.slice(5, 8).join(', ')},
                     ${workNames.slice(8, 11).join(', ')},
                     ${workNames.slice(11, 14).join(', ')},
                     ${workNames.slice(14, 17).join(', ')},
                     ${workNames.slice(17, 20).join(', ')},
                     ${workNames.slice(20).join(', ')}
                     (small-get,fresh-get,get-10k,post-10k,new-connection)
  --rounds <n>       of each work (20); each ${roundsPerStart} have gateways of their own
  --seconds <n>      of each round (2)
  --source           run the unbuilt source instead of a compiled package
  --against-itself   run one commit twice: can this machine measure?
  --configuration <lines>
                     run one commit twice, the newer one with these lines in
                     its configuration: what does a setting cost? {collector}
                     is the URL of a receiver of OTLP that takes everything
  --ratio-max <n>    the most that the newer one may cost (${ratioMax})
  --json             print all figures as JSON
  --help

Exits with 0 if no work costs more: if the upper 95 % bound of the median ratio
is not above --ratio-max (with --against-itself: if 1 is within the bounds).
Exits with 1 if one does, and with 2 if nothing could be measured.

example: npm run bench:compare -- HEAD~10 --works small-get
`;

const collectorPlaceholder = '{collector}';

const folder = join(cacheFolder, 'bench', 'compare');
const trees = { older: join(folder, 'older'), newer: join(folder, 'newer') };

let ownsTrees = false;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true;
    void leave().then(() => process.exit(130));
  });
}
try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!interrupted)
    console.error(`nothing could be measured: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
} finally {
  if (!interrupted) await leave();
}

/** Stops the started processes, and removes the worktrees that this process created. The output of the gateways stays. */
async function leave(): Promise<void> {
  await stopAll();
  if (ownsTrees) for (const tree of Object.values(trees)) takeAway(tree);
}

type Asked = ReturnType<typeof readWords>;

function readWords(words: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      works: { type: 'string', default: 'small-get,fresh-get,get-10k,post-10k,new-connection' },
      rounds: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '2' },
      source: { type: 'boolean', default: false },
      'against-itself': { type: 'boolean', default: false },
      configuration: { type: 'string', default: '' },
      'ratio-max': { type: 'string', default: String(ratioMax) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    ...values,
    works: chosen(values.works, workNames, 'work'),
    commits: positionals,
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    ratioMax: Number(values['ratio-max']),
    isOneCommit: values['against-itself'] || values.configuration !== '',
  };
}

/** Returns the error in the arguments, or null. */
function wrongWith(asked: Asked): string | null {
  const count = asked.commits.length;
  if (asked['against-itself'] && asked.configuration !== '') return 'Give --against-itself or --configuration.';
  if (asked.isOneCommit && count > 1) return 'Name one commit: it runs twice.';
  if (!asked.isOneCommit && (count < 1 || count > 2)) return 'Name one or two commits.';
  if (!(asked.ratioMax > 0)) return '--ratio-max takes a number, such as 1.05.';
  if (!Number.isInteger(asked.rounds) || intervalRank(asked.rounds, 0.95) === 0 || asked.rounds > 1000)
    return '--rounds takes an integer from 6 to 1000: fewer rounds allow no conclusion.';
  if (!Number.isInteger(asked.seconds) || asked.seconds < 1) return '--seconds takes an integer of 1 or more.';
  return null;
}

async function run(words: readonly string[]): Promise<number> {
  let asked: Asked;
  try {
    asked = readWords(words);
  } catch (error) {
    return refuse(wrongWords(error));
  }
  if (asked.help) {
    console.log(usage);
    return 0;
  }
  const wrong = wrongWith(asked);
  return wrong === null ? compare(asked) : refuse(wrong);
}

function refuse(why: string): number {
  console.error(`${why}\n\n${usage}`);
  return 2;
}

async function compare(asked: Asked): Promise<number> {
  needTwoCores();
  const say = asked.json ? console.error : console.log;
  const [first = 'HEAD', second = asked.isOneCommit ? first : 'HEAD'] = asked.commits;
  const commits = { older: resolveCommit(first), newer: resolveCommit(second) };
  if (asked.commits.length < 2 && hasUncommitted()) say('Uncommitted changes are not measured.');
  await needNoOther();
  ownsTrees = true;
  rmSync(join(folder, 'run'), { recursive: true, force: true });
  mkdirSync(join(folder, 'run'), { recursive: true });
  const older = checkOut(commits.older, trees.older, asked.source);
  const newer = checkOut(commits.newer, trees.newer, asked.source);
  say(`older: ${older.title}\nnewer: ${newer.title}`);
  if (asked.configuration !== '') say(`The newer one has in its configuration: ${asked.configuration}`);

  const tools = { wrk: needPeer('wrk'), folder: join(folder, 'run') };
  await startOrigins(needPeer('nginx'), tools.folder);
  const configuration = asked.configuration.includes(collectorPlaceholder)
    ? asked.configuration.replaceAll(collectorPlaceholder, await startCollector(tools.folder))
    : asked.configuration;
  const rounds = await measureTogether(
    {
      older: { folder: older.folder, configuration: '' },
      newer: { folder: newer.folder, configuration },
    },
    works.filter(({ name }) => asked.works.includes(name)),
    { rounds: asked.rounds, seconds: asked.seconds },
    tools,
    say,
  );
  return print(asked, { older, newer }, rounds);
}

function print(
  asked: Asked,
  { older, newer }: Record<'older' | 'newer', CommitTree>,
  rounds: readonly Round[],
): number {
  const isAlike = asked['against-itself'];
  const judgements = isAlike ? judgeAlike(rounds) : judge(rounds, asked.ratioMax);
  const held = judgements.every((one) => one.held);
  const words = isAlike ? { held: 'alike', failed: 'UNLIKE' } : { held: 'held', failed: 'FAILED' };
  (asked.json ? console.error : console.log)(`\n${judgementText(judgements, words)}`);
  if (asked.json) {
    const circumstances = {
      date: new Date().toISOString().slice(0, 10),
      machine: machineText(),
      node: process.version,
      older: older.title,
      newer: newer.title,
      isSource: asked.source,
      configuration: asked.configuration,
      ratioMax: asked.ratioMax,
      seconds: asked.seconds,
    };
    console.log(JSON.stringify({ circumstances, held, judgements, rounds }, null, 2));
  }
  return held ? 0 : 1;
}
