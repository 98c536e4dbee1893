import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { keepCompiled, writeCompiledPrograms } from './compiled-programs.ts';
import { testedPrograms, writeBundles } from './bundle.ts';
import { repositoryRoot } from './repository.ts';

/** How long a bundle stays that no run of the tests has used. Another run may use it at this moment. */
const unusedMsMax = 60 * 60_000;

/** What the bundles are made of, and what makes them: folders and files. */
const sourceFolders = ['packages/failures/src', 'packages/explain/src', 'src', 'bin'];
const otherSources = [
  'scripts/bundle.ts',
  'scripts/bundle-entries.ts',
  'scripts/compiled-programs.ts',
  'scripts/keep-compiled.ts',
  'scripts/load-compiled.cjs',
  'package.json',
  'package-lock.json',
  // Which packages are installed, as npm last wrote it.
  'node_modules/.package-lock.json',
  'tsconfig.json',
];
const isTest = /\.(?:test|test-support)\.ts$|\/fixtures\/|\.md$/;

/**
 * The command as a package contains it, in a folder below the root that is named by a hash of all sources: a changed source
 * has another folder, so that no process loads code that is older than its source. `bin/` and `dist/` lie as in the package;
 * examples and dependencies are those of the repository.
 */
export class TestBundle {
  readonly #root: string;
  /** Two test files that start at the same time build one bundle. */
  #found: Promise<unknown> = Promise.resolve();
  #stamp = '';
  #folder = '';

  constructor(root: string = repositoryRoot) {
    this.#root = root;
  }

  /** The folder with the bundle of the sources as they are now. Rejects with `BundleFailure` if they have errors. */
  current(): Promise<string> {
    const found = this.#found.then(() => this.#find());
    this.#found = found.catch(() => null);
    return found;
  }

  /** The same, with what V8 has compiled of it: for many tests, since it takes some seconds to make. */
  compiled(): Promise<string> {
    const found = this.current().then((folder) => this.#compile(folder));
    this.#found = found.catch(() => null);
    return found;
  }

  async #compile(folder: string): Promise<string> {
    if (existsSync(join(folder, 'compiled'))) return folder;
    const unfinished = mkdtempSync(join(folder, 'unfinished-'));
    try {
      await writeCompiledPrograms(unfinished, this.#root);
      chmodSync(unfinished, 0o755);
      await keepCompiled(unfinished);
      if (!existsSync(join(folder, 'compiled'))) renameSync(unfinished, join(folder, 'compiled'));
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
    return folder;
  }

  async #find(): Promise<string> {
    // Every write changes the time of a file's last change, which programs cannot set.
    const stamp = stampOf(this.#root);
    if (stamp === this.#stamp) return this.#folder;
    this.#folder = await this.#ofCurrentSources();
    this.#stamp = stamp;
    return this.#folder;
  }

  async #ofCurrentSources(): Promise<string> {
    for (;;) {
      const hash = hashOf(this.#root);
      const folder = join(this.#root, '.bundles', hash);
      if (!existsSync(folder)) await this.#write(folder, hash);
      if (!existsSync(folder)) continue;
      utimesSync(folder, new Date(), new Date());
      return folder;
    }
  }

  /** Written beside its place and then renamed: another run never sees half of it. Discarded if a source was changed meanwhile. */
  async #write(folder: string, hash: string): Promise<void> {
    const parent = dirname(folder);
    mkdirSync(parent, { recursive: true });
    removeUnused(parent);
    const unfinished = mkdtempSync(join(parent, 'unfinished-'));
    try {
      await writeBundles(testedPrograms, join(unfinished, 'dist'), this.#root);
      cpSync(join(this.#root, 'bin'), join(unfinished, 'bin'), { recursive: true });
      cpSync(join(this.#root, 'package.json'), join(unfinished, 'package.json'));
      for (const name of ['examples', 'node_modules']) symlinkSync(join('..', '..', name), join(unfinished, name));
      // Tests run the command as other users too.
      chmodSync(unfinished, 0o755);
      if (hashOf(this.#root) === hash && !existsSync(folder)) renameSync(unfinished, folder);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  }
}

/** A hash of the names and the contents of all files that a bundle is made of. */
function hashOf(root: string): string {
  const hash = createHash('sha256');
  for (const path of sourcePaths(root)) {
    const content = readFileSync(path);
    hash.update(`${relative(root, path)}\n${content.length}\n`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

function stampOf(root: string): string {
  const hash = createHash('sha256');
  for (const path of sourcePaths(root)) {
    const { ino, size, ctimeMs } = statSync(path);
    hash.update(`${path} ${ino} ${size} ${ctimeMs}\n`);
  }
  return hash.digest('hex');
}

function sourcePaths(root: string): string[] {
  const entries = sourceFolders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true }),
  );
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const others = otherSources.map((file) => join(root, file)).filter((path) => existsSync(path));
  return [...paths.filter((path) => !isTest.test(path)).toSorted(), ...others];
}

/** Removes the bundles in a folder that no run has used for an hour. */
export function removeUnused(parent: string): void {
  for (const name of readdirSync(parent)) {
    const folder = join(parent, name);
    if (Date.now() - statSync(folder).mtimeMs > unusedMsMax) rmSync(folder, { recursive: true, force: true });
  }
}
