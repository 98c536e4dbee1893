import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Check } from './checks.ts';
import { cacheFolder, repositoryRoot } from './repository.ts';

/** What no check reads: folders, but `.git` is a file in a worktree, and a cache may be a link. */
const unread = new Set(['node_modules', 'dist', '.bundles', '.cache', '.candor', '.git', 'coverage']);

/** How long it is remembered that a check has passed. */
const rememberedMsMax = 30 * 24 * 60 * 60_000;

/** Which checks have passed with the files as they are: an empty file for each, named by a hash of all that the check can read. */
export class PassedChecks {
  readonly #root: string;
  readonly #folder: string;
  readonly #filesHash: string;

  constructor(root: string = repositoryRoot, folder: string = join(cacheFolder, 'checks')) {
    this.#root = root;
    this.#folder = folder;
    this.#filesHash = hashOfFiles(root);
  }

  has(check: Check): boolean {
    return existsSync(this.#fileOf(check));
  }

  /** Remembers a check that has just passed, unless a file was changed meanwhile, which it may have read before or after that. */
  add(check: Check): void {
    if (hashOfFiles(this.#root) !== this.#filesHash) return;
    mkdirSync(this.#folder, { recursive: true });
    for (const name of readdirSync(this.#folder)) {
      const file = join(this.#folder, name);
      if (Date.now() - statSync(file).mtimeMs > rememberedMsMax) rmSync(file, { force: true });
    }
    writeFileSync(this.#fileOf(check), '');
  }

  #fileOf({ packageName, command, args }: Check): string {
    const hash = createHash('sha256').update(JSON.stringify([packageName, command, args, process.version]));
    return join(this.#folder, hash.update(this.#filesHash).digest('hex').slice(0, 32));
  }
}

/** Of the names and contents of all files of the repository, and of the versions of the installed packages. */
function hashOfFiles(root: string): string {
  const hash = createHash('sha256');
  const installed = join(root, 'node_modules', '.package-lock.json');
  for (const path of [...filesIn(root).toSorted(), ...(existsSync(installed) ? [installed] : [])]) {
    const content = readFileSync(path);
    hash.update(`${relative(root, path)}\n${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (unread.has(entry.name)) return [];
    if (entry.isDirectory()) return filesIn(path);
    return entry.isFile() && !entry.name.endsWith('.tgz') ? [path] : [];
  });
}
