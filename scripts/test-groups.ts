import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryRoot } from './repository.ts';

/** Files whose tests run in one process, one after another. */
export type TestGroup = readonly string[];

/** With which other files a file may share its process: with those that run in memory, with those that use sockets, threads and processes, or with none. */
export type Sharing = 'in memory' | 'over sockets' | 'alone';

interface GroupLimits {
  /** A group that takes longer than this would leave a processor idle at the end of a run. */
  readonly groupMsMax: number;
  /** Durations are unknown on a machine's first run; a crash runs the files of a group once more. */
  readonly filesMax: number;
  /** A file that takes longer than this gains nothing from a process that it shares. */
  readonly fileMsMax: number;
}

const groupLimits: Readonly<Record<Exclude<Sharing, 'alone'>, GroupLimits>> = {
  // Each of these processes takes half a second of processor time for the modules of the source.
  'in memory': { groupMsMax: 35_000, filesMax: 240, fileMsMax: 10_000 },
  // These mostly wait. What they share, the modules of a gateway and their compiled code, costs half a second of processor time in each process.
  'over sockets': { groupMsMax: 70_000, filesMax: 30, fileMsMax: 40_000 },
};

/** Folders whose tests run in memory. In other folders of `test/` they start gateways. */
const foldersInMemory = ['packages/', 'src/', 'test/exchange/'];

/** Modules for sockets, threads and processes. */
const usesSockets = [
  /'node:(?:child_process|dgram|http|http2|https|net|sqlite|tls|worker_threads)\b/,
  /\/gateway\/gateway\.ts'|\/program\.ts'/,
];

/** Modules that change or measure what all files of a process use. */
const changesProcess =
  /'node:(?:cluster|vm)\b|\b(?:syncBuiltinESMExports|registerHooks|enableCompileCache|setFlagsFromString)\b|\/proc\/self\/(?:fd['`]|limits|smaps)/;

/** The same by code; strings do not count, which may be programs that a test starts. */
const changesProcessByCode = [
  /(?<![.#\w])process\.env(?:\.\w+|\[[^\]]+\])? *(?:\?\?|\|\|)?=(?!=)|(?:delete|assign\(|defineProperty\() *process\.env/,
  /(?<![.#\w])process\.(?:chdir|on|once|emit|exit|exitCode|umask|argv|execArgv|cpuUsage|memoryUsage|resourceUsage|stdout|stderr|stdin)\b/,
  // A mock of a test's context ends with the test.
  /\bglobalThis\b|(?<!\.)\bmock\.(?:timers|method|fn|module|getter|setter|property)\b|\bgc\(|\b(?:setDefaultResultOrder|setServers|getActiveResourcesInfo)\(/,
  // Vite sets NODE_ENV.
  /\b(?:build|current)Dashboard\(/,
];

/** What does not run in a test file: imports of types, and what a helper does where it is a program. */
const unused = /^import type [^;]*;$|^if \(import\.meta\.main\) .*;$/gm;

/** A helper is loaded once in a process: hooks of its own would run for the tests of the first file alone that imports it. */
const hasHooks = /^(?:before|after)(?:Each)?\(/m;

/** Which files may run in the process of this test file: read from its text, and from the texts of the helpers that it imports. */
export function sharingOf(path: string, root: string = repositoryRoot): Sharing {
  let sharing: Sharing = foldersInMemory.some((folder) => path.startsWith(folder)) ? 'in memory' : 'over sockets';
  const paths = new Set([path]);
  for (const one of paths) {
    const whole = readFileSync(join(root, one), 'utf8').replace(unused, '');
    const text = whole.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');
    const code = withoutStrings(whole);
    if (changesProcess.test(text) || changesProcessByCode.some((pattern) => pattern.test(code))) return 'alone';
    if (one !== path && hasHooks.test(text)) return 'alone';
    if (usesSockets.some((pattern) => pattern.test(text))) sharing = 'over sockets';
    for (const imported of importsOf(text, one))
      if (isHelper(imported) && existsSync(join(root, imported))) paths.add(imported);
  }
  return sharing;
}

/** Without comments, and the text of strings and templates; what a template inserts is not looked at either. */
function withoutStrings(text: string): string {
  return text
    .replace(/process\.env\['?(\w+)'?\]/g, 'process.env.$1')
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*$|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/gm, "''");
}

function importsOf(text: string, path: string): readonly string[] {
  return [...text.matchAll(/(?:from|import\() *'(\.[^']+)'/g)].map((match) => join(dirname(path), match[1] ?? ''));
}

function isHelper(path: string): boolean {
  return path.startsWith('test/') || path.endsWith('.test-support.ts');
}

/** Splits files that share processes into groups of about the same length, and keeps the others alone. */
export function groupTestFiles(
  files: readonly string[],
  msOf: (file: string) => number,
  sharing: (path: string) => Sharing,
): readonly TestGroup[] {
  const groups: string[][] = [];
  const last = new Map<Sharing, { files: string[]; ms: number }>();
  for (const file of files) {
    const ms = msOf(file);
    const with_ = sharing(file);
    if (with_ === 'alone' || ms > groupLimits[with_].fileMsMax) {
      groups.push([file]);
      continue;
    }
    const { groupMsMax, filesMax } = groupLimits[with_];
    let group = last.get(with_);
    if (group === undefined || group.ms + ms > groupMsMax || group.files.length >= filesMax) {
      group = { files: [], ms: 0 };
      last.set(with_, group);
      groups.push(group.files);
    }
    group.files.push(file);
    group.ms += ms;
  }
  return groups;
}
