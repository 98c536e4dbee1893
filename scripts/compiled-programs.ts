import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { stop } from 'esbuild';
import { compiledFolderOf, keeperVariable, testBundleVariable } from '../test/program.ts';
import { threadEntries } from './bundle-entries.ts';
import { withinTests, writeScript } from './bundle.ts';
import { repositoryRoot } from './repository.ts';
import { flagsOfTests } from './test-flags.ts';
import { bundledThreadsVariable } from './test-preload.ts';

/** What starts again and again in a run of the tests: the command and its threads, and what tests load of them. */
const programs: readonly (readonly [file: string, entries: readonly string[]])[] = [
  ...['cli/main.ts', ...threadEntries].map((entry) => [entry.replace(/\.ts$/, ''), [entry]] as const),
  ['tests/modules', withinTests.entries],
];

/**
 * Writes the programs of a bundle once more, into a folder of it, each as one script beside which lies the code that V8 has compiled once it ran (`keepCompiled`). The
 * compile cache of Node has what V8 compiles before a module runs, so that each start would compile the functions that it calls: a quarter of its processor time. A
 * process under flags of V8 for which nothing is kept loads the modules of the bundle.
 */
export async function writeCompiledPrograms(folder: string, root: string): Promise<void> {
  await Promise.all(programs.map(([file, entries]) => writeProgram(join(folder, 'dist', file), entries, root)));
  copyFileSync(join(repositoryRoot, 'scripts', 'load-compiled.cjs'), join(folder, 'load-compiled.cjs'));
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  for (const name of ['examples', 'node_modules', 'package.json']) symlinkSync(join('..', name), join(folder, name));
  await stop();
}

async function writeProgram(file: string, entries: readonly string[], root: string): Promise<void> {
  await writeScript(entries, `${file}.cjs`, root);
  const urls = Object.fromEntries(entries.map((entry) => [entry, `../../../dist/${entry.replace(/ts$/, 'js')}`]));
  const stub = [
    "import { createRequire } from 'node:module';",
    "const { loadCompiled } = createRequire(import.meta.url)('../../load-compiled.cjs');",
    'export const modules = loadCompiled(import.meta.url) ?? {',
    ...Object.entries(urls).map(([entry, url]) => `${JSON.stringify(entry)}: await import(${JSON.stringify(url)}),`),
    '};',
    'for (const module of Object.values(modules)) await module.ended;',
  ];
  writeFileSync(`${file}.js`, `${stub.join('\n')}\n`);
  // Stacks name the module, whose place the script takes.
  renameSync(`${file}.cjs.map`, `${file}.js.map`);
}

/** On a busy machine it takes ten seconds. */
const keepMsMax = 120_000;

/** Runs these programs for some seconds, as tests do: in processes of their own, and with threads in the process of a test. */
export async function keepCompiled(folder: string): Promise<void> {
  const bundle = dirname(folder);
  const keeper = join(repositoryRoot, 'scripts', 'keep-compiled.ts');
  const preload = `--import=${join(repositoryRoot, 'scripts', 'test-preload.ts')}`;
  const env = {
    ...process.env,
    [keeperVariable]: folder,
    [testBundleVariable]: bundle,
    [bundledThreadsVariable]: JSON.stringify(threadModules(bundle, folder)),
  };
  const run = promisify(execFile);
  const asTests = [...flagsOfTests, preload, keeper, 'threads'];
  const runs = [[keeper, 'command'], asTests].map((words) => run(process.execPath, words, { env, timeout: keepMsMax }));
  for (const kept of await Promise.allSettled(runs))
    if (kept.status === 'rejected') console.error('tests take more processor time than they need:', kept.reason);
}

/** What threads start from, by the modules of the source and of the bundle, as URLs. */
export function threadModules(bundle: string, folder = compiledFolderOf(bundle)): Readonly<Record<string, string>> {
  const urlOf = (...path: string[]): string => pathToFileURL(join(...path)).href;
  return Object.fromEntries(
    threadEntries.flatMap((entry) => {
      const file = entry.replace(/\.ts$/, '.js');
      const modules = [urlOf(repositoryRoot, 'src', entry), urlOf(bundle, 'dist', file)];
      return modules.map((module) => [module, urlOf(folder, 'dist', file)]);
    }),
  );
}
