import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Check } from './checks.ts';
import { cacheFolder, repositoryRoot } from './repository.ts';

/** What no check reads: folders, but `.git` is a file in a worktree, and a cache may be a link. */
const unread = new Set(['node_modules', 'dist', '.bundles', '.cache', '.candor', '.git', 'coverage']);

/** How long it is remembered that a check has passed. */
const rememberedMsMax = 30 * 24 * 60 * 60_000;

/**
 * Which checks have passed with the files as they are: an empty file for each, named by a hash of all that the check can read. Of a check that judges each
 * file by itself also a list of the files that have passed, named by a hash of its settings.
 */
export class PassedChecks {
  readonly #root: string;
  readonly #folder: string;
  readonly #files: Files;

  constructor(root: string = repositoryRoot, folder: string = join(cacheFolder, 'checks')) {
    this.#root = root;
    this.#folder = folder;
    this.#files = new Files(root);
  }

  has(check: Check): boolean {
    return existsSync(this.#fileOf(check));
  }

  /** Remembers a check that has just passed, unless a file was changed meanwhile, which it may have read before or after that. */
  add(check: Check): void {
    if (new Files(this.#root).hash !== this.#files.hash) return;
    mkdirSync(this.#folder, { recursive: true });
    for (const name of readdirSync(this.#folder)) {
      const file = join(this.#folder, name);
      if (Date.now() - statSync(file).mtimeMs > rememberedMsMax) rmSync(file, { force: true });
    }
    writeFileSync(this.#fileOf(check), '');
    const byFile = check.byFile ?? check.withoutTests?.byFile;
    if (byFile !== undefined) writeFileSync(this.#listOf(check), this.#files.linesOf(byFile.judges).join('\n'));
  }

  /** The files that a check which judges each by itself has not passed as they are now; null of other checks. */
  unjudged(check: Check): readonly string[] | null {
    if (check.byFile === undefined) return null;
    const list = this.#listOf(check);
    const passed = new Set(existsSync(list) ? readFileSync(list, 'utf8').split('\n') : []);
    return this.#files
      .linesOf(check.byFile.judges)
      .filter((line) => !passed.has(line))
      .map((line) => line.slice(line.indexOf(' ') + 1));
  }

  #fileOf({ packageName, command, args }: Check): string {
    return this.#named([packageName, command, args, this.#files.hash]);
  }

  #listOf({ packageName, command }: Check): string {
    return this.#named([packageName, command, 'files', this.#files.settingsHash]);
  }

  #named(words: readonly unknown[]): string {
    const hash = hashOf(JSON.stringify([...words, process.version]));
    return join(this.#folder, hash);
  }
}

/** All files of the repository, and the versions of the installed packages. */
class Files {
  readonly #hashes: ReadonlyMap<string, string>;
  readonly hash: string;
  /** Of the files at the root, among them the settings of each tool. */
  readonly settingsHash: string;

  constructor(root: string) {
    const installed = join(root, 'node_modules', '.package-lock.json');
    const paths = [...filesIn(root).toSorted(), ...(existsSync(installed) ? [installed] : [])];
    this.#hashes = new Map(paths.map((path) => [relative(root, path), hashOf(readFileSync(path))]));
    this.hash = hashOf(this.linesOf(() => true).join('\n'));
    const isSetting = (path: string): boolean => dirname(path) === '.' || path.startsWith('node_modules');
    this.settingsHash = hashOf(this.linesOf(isSetting).join('\n'));
  }

  /** A hash of the content and the path of each. */
  linesOf(isMeant: (path: string) => boolean): readonly string[] {
    return [...this.#hashes].filter(([path]) => isMeant(path)).map(([path, hash]) => `${hash} ${path}`);
  }
}

function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (unread.has(entry.name)) return [];
    if (entry.isDirectory()) return filesIn(path);
    return entry.isFile() && !entry.name.endsWith('.tgz') ? [path] : [];
  });
}
