import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryRoot } from './repository.ts';

/** Files whose tests run in one process, one after another. */
export type TestGroup = readonly string[];

/** A group that takes longer than this would leave a processor idle at the end of a run. */
const groupMsMax = 6000;
/** Unknown durations are counted as nothing; a crash runs the files of a group once more. */
const groupFilesMax = 40;
/** A file that takes longer than this gains nothing from a process that it shares. */
const sharedMsMax = 3000;

/** Folders whose tests run in memory. In other folders of `test/` they start gateways. */
const sharingFolders = ['packages/', 'src/', 'test/exchange/'];

/** What a file may not do whose process runs other files too: start threads and processes, open sockets, change what all share. */
const needsOwnProcess = [
  /'node:(?:child_process|cluster|dgram|http|http2|https|inspector|module|net|sqlite|tls|v8|vm|worker_threads)\b/,
  /\bprocess\.env(?:\.\w+|\[[^\]]+\])? *(?:\?\?|\|\|)?=(?!=)|(?:delete|assign\(|defineProperty\() *process\.env/,
  /\bprocess\.(?:chdir|on|once|emit|exit|exitCode|kill|umask|argv|execArgv|cpuUsage|memoryUsage|resourceUsage|stdout|stderr|stdin)\b/,
  /\b(?:globalThis|mock)\b|\bgc\(|\b(?:setDefaultResultOrder|setServers)\(/,
  /\/gateway\/gateway\.ts'|\/program\.ts'/,
];

/** A helper is loaded once in a process: hooks of its own would run for the tests of the first file alone that imports it. */
const hasHooks = /^(?:before|after)(?:Each)?\(/m;

/** Whether other files may run in the process of this test file: read from its text, and from the texts of the helpers that it imports. */
export function sharesProcess(path: string, root: string = repositoryRoot): boolean {
  if (!sharingFolders.some((folder) => path.startsWith(folder))) return false;
  const paths = new Set([path]);
  for (const one of paths) {
    const text = readFileSync(join(root, one), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    if (needsOwnProcess.some((pattern) => pattern.test(text)) || (one !== path && hasHooks.test(text))) return false;
    for (const imported of importsOf(text, one))
      if (isHelper(imported) && existsSync(join(root, imported))) paths.add(imported);
  }
  return true;
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
  shares: (path: string) => boolean,
): readonly TestGroup[] {
  const groups: string[][] = [];
  let [last, lastMs]: [string[], number] = [[], Number.POSITIVE_INFINITY];
  for (const file of files) {
    const ms = msOf(file);
    if (ms > sharedMsMax || !shares(file)) {
      groups.push([file]);
      continue;
    }
    if (lastMs + ms > groupMsMax || last.length >= groupFilesMax) {
      [last, lastMs] = [[], 0];
      groups.push(last);
    }
    last.push(file);
    lastMs += ms;
  }
  return groups;
}
