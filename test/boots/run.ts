import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../../scripts/repository.ts';
import { TestBundle } from '../../scripts/test-bundle.ts';
import { freePort } from '../free-port.ts';
import { ResultsFile } from '../outages/results-file.ts';
import { type BootCase, isControl } from './boot-case.ts';
import { type Languages, prepareLanguages } from './boot-languages.ts';
import { bootCases, findBootCase } from './cases.ts';
import { judgeBoot } from './judge.ts';
import { judgeTable } from './judge-table.ts';
import { BootFolder, missingFor, playBoot } from './play.ts';
import type { BootResult } from './play-result.ts';

const usage = `usage: run.ts [options]

Starts programs that do not come up, come up late or wrongly, and good ones, behind a gateway with an empty state folder, reads its
status every 200 ms, and judges the reasons: whether they have the facts that a person who knows the program would name, within two
seconds after the failure can be seen, and no claim that is not so. A case takes some six seconds. Results are appended to
.cache/boots/<label>.jsonl; a case whose result is there is skipped.

  --only <name>     this case alone; may be repeated
  --language <name> node, python, ruby, go, java, php or shell alone
  --at-once <n>     (1)
  --label <text>    (the commit)
  --again           plays what has a result too
  --judge <label>   prints what came of a label, and plays nothing
  --plain           starts each program without a gateway, and prints what it says and how it ends
  --help

It ends with 0 where every case was played, 1 where one could not be.

example: npm run try:boots -- --label before
`;

const options = readOptions();
if (options.judge !== undefined) console.log(judge(options.judge));
else if (options.plain) await startPlainly();
else await playAll();

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        language: { type: 'string' },
        'at-once': { type: 'string', default: '1' },
        label: { type: 'string' },
        again: { type: 'boolean', default: false },
        judge: { type: 'string' },
        plain: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    for (const name of values.only ?? []) findBootCase(name);
    if (!(Number(values['at-once']) >= 1)) throw new Error('--at-once takes a number.');
    return values;
  } catch (error) {
    console.error(`${(error as Error).message.split('. ')[0] ?? ''}\n\n${usage}`);
    process.exit(2);
  }
}

function wantedCases(): readonly BootCase[] {
  return bootCases.filter(
    ({ name, language }) => (options.only?.includes(name) ?? true) && language === (options.language ?? language),
  );
}

function judge(label: string): string {
  const results = new ResultsFile<BootResult>('boots', label).read();
  return judgeTable(
    wantedCases().flatMap((one) => {
      const result = results.get(one.name);
      return result === undefined ? [] : [judgeBoot(one, result)];
    }),
  );
}

async function playAll(): Promise<void> {
  const label = options.label ?? commit();
  const file = new ResultsFile<BootResult>('boots', label);
  const results = file.read();
  const isDone = (name: string): boolean =>
    !options.again && results.has(name) && results.get(name)?.failure === undefined;
  const waiting = wantedCases().filter(({ name }) => !isDone(name));
  const languages = prepareLanguages(console.error);
  const program = join(await new TestBundle().current(), 'bin', 'candor');
  console.error(`${waiting.length} cases, ${options['at-once']} at once; results: ${file.path}`);
  const all = waiting.length;
  let done = 0;
  const playOnes = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await playBoot(next, program, languages);
      file.append(result);
      if (result.failure !== undefined) process.exitCode = 1;
      const { verdict, afterMs, what } = judgeBoot(next, result);
      const text = [verdict, ...(afterMs === null ? [] : [`after ${afterMs} ms`]), ...what].join(', ');
      console.error(`[${++done}/${all}] ${next.name}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: Number(options['at-once']) }, playOnes));
  console.log(judge(label));
}

/** For whoever writes a case: what the program does by itself. */
async function startPlainly(): Promise<void> {
  const languages = prepareLanguages(console.error);
  for (const one of wantedCases()) console.log(await plainOutcome(one, languages));
}

async function plainOutcome(one: BootCase, languages: Languages): Promise<string> {
  const missing = missingFor(one, languages);
  if (missing !== null) return `${one.name}: ${missing}`;
  const [port, otherPort] = [await freePort(), await freePort()];
  const folder = new BootFolder(one, languages.path, otherPort);
  try {
    await folder.prepare();
    const [command = '', ...words] = folder.words().map((word) => word.replaceAll('{port}', String(port)));
    const directory = one.keys?.['directory'];
    const environment = Object.entries((one.keys?.['environment'] ?? {}) as Record<string, string>);
    const { output, how } = await outputOf(command, words, {
      cwd: typeof directory === 'string' ? join(folder.path, directory) : folder.path,
      env: {
        ...folder.env,
        PORT: String(port),
        ...Object.fromEntries(environment.map(([name, value]) => [name, folder.filled(value)])),
      },
    });
    const { expected } = one;
    const facts = isControl(expected) ? [] : expected.facts;
    const names = { OTHERPORT: otherPort, INSTANCEPORT: port };
    const absent = facts.filter((fact) => {
      const source = Object.entries(names).reduce(
        (text, [name, value]) => text.replaceAll(name, String(value)),
        fact.source,
      );
      return !new RegExp(source, fact.flags).test(`${output}\n${how}`);
    });
    const notes = absent.map((fact) => `  its output has no ${fact}`);
    return [`== ${one.name}: ${how}`, output.slice(-1500), ...notes].filter((text) => text !== '').join('\n');
  } catch (error) {
    return `== ${one.name}: ${(error as Error).message}`;
  } finally {
    folder.remove();
  }
}

/** What a program prints within eight seconds, and how it ends. Its group is ended, and with it what it has started. */
async function outputOf(
  command: string,
  words: readonly string[],
  where: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<{ readonly output: string; readonly how: string }> {
  const child = spawn(command, words, { ...where, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`exit ${code ?? signal}`));
    setTimeout(() => resolve('it still runs'), 8000).unref();
  });
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is empty.
  }
  return { output: output.trimEnd(), how };
}

function commit(): string {
  const args = ['-C', repositoryRoot, 'rev-parse', '--short=12', 'HEAD'];
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}
