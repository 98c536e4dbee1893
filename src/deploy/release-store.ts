import { createHmac } from 'node:crypto';
import { basename, isAbsolute, join, posix } from 'node:path';
import type { Result } from '#failures/result.ts';
import type { Random } from '../core/random.ts';
import type { Release, ReleaseSource } from '../core/release.ts';
import type { Clock } from '../core/time.ts';
import { keptKey } from './kept-key.ts';
import { makePrivateFolder } from './private-folder.ts';
import type { CopyProgress } from './release-copy.ts';
import { lstatOrNull, releaseFiles, type ReleaseFiles, removeTree } from './release-files.ts';
import type { ReleaseHistory } from './release-history.ts';
import { ReleaseJournal } from './release-journal.ts';
import type { ReleaseFact } from './release-line.ts';
import { attemptRelease, refuse, type ReleaseRefusal, ReleaseRefused } from './release-refusal.ts';
import {
  type CopyOptions,
  copyTree,
  type KeptTree,
  pruneTrees,
  restsOf,
  surveyTree,
  treeLimits,
  treesToPrune,
  usualReserve,
} from './release-tree.ts';
import type { TreeLimits } from './release-walk.ts';

/** Where a release comes from. */
export type WantedSource =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'git'; readonly repository: string; readonly revision: string }
  | { readonly kind: 'archive'; readonly path: string; readonly dropsTop: boolean }
  /** The tree in force, or none, with other settings. */
  | { readonly kind: 'configuration'; readonly path: string };

export interface WantedRelease {
  /** Null: by its number, `r12`. */
  readonly name: string | null;
  readonly command: readonly string[];
  readonly secretWords?: readonly number[] | undefined;
  /** Below the tree; with no tree an absolute path. */
  readonly directory: string;
  /** Secrets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly persistent: readonly string[];
  readonly actor: string;
  readonly configuration: number | null;
}

interface MakeOptions {
  readonly limits?: TreeLimits;
  readonly reserveBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CopyProgress) => void;
}

interface MadeRelease {
  readonly release: Release;
  /** False: the same release was there. */
  readonly isNew: boolean;
  /** A sentence each. */
  readonly remarks: readonly string[];
}

interface StoreTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly files?: ReleaseFiles;
}

/** What was read of a source. */
interface FromSource {
  readonly text: string;
  /** A sentence each. */
  readonly remarks: readonly string[];
}

interface SourceTree extends FromSource {
  readonly tree: string | null;
  readonly bytes: number;
}

interface SurveyedSource extends FromSource {
  readonly files: number;
  readonly bytes: number;
}

/** Does something with the folder of a source. `takes`: it is ours, and is removed afterwards. */
type UseFolder<T> = (folder: string, takes: boolean) => Promise<T & Pick<FromSource, 'remarks'>>;

/** Beyond which old releases go. */
interface StoreLimits {
  readonly trees: number;
  /** Of all trees. */
  readonly bytes: number;
  /** Some share a tree. */
  readonly releases: number;
}

export const storeLimits: StoreLimits = { trees: 5, bytes: 8 * 1024 ** 3, releases: 20 };

/**
 * The releases of one application, in `releases/<application>` of the state folder: the journal, the trees and what is
 * persistent. Only the owner of the state folder opens it. What changes it is done one after the other.
 */
export class ReleaseStore {
  readonly folder: string;
  readonly #stateFolder: string;
  readonly #journal: ReleaseJournal;
  readonly #tools: StoreTools;
  readonly #files: ReleaseFiles;
  /** Of digests: a short secret in an environment could be found from one that was made without. */
  readonly #key: string;
  #work: Promise<unknown>;

  private constructor(stateFolder: string, folder: string, journal: ReleaseJournal, tools: StoreTools) {
    this.folder = folder;
    this.#stateFolder = stateFolder;
    this.#journal = journal;
    this.#tools = tools;
    this.#files = tools.files ?? releaseFiles;
    this.#key = keptKey(stateFolder, 'release-key', tools.random);
    this.#work = this.#removeRests().catch(() => undefined);
  }

  /** Rests of an earlier process are removed in the background, before the first change. */
  static open(
    stateFolder: string,
    application: string,
    tools: StoreTools,
  ): Promise<Result<{ readonly store: ReleaseStore; readonly remarks: readonly string[] }, ReleaseRefusal>> {
    return attemptRelease(async () => {
      const folder = join(stateFolder, 'releases', folderNameOf(application));
      const problem = makePrivateFolder(folder);
      if (problem !== null) refuse('system', `${folder} ${problem}.`, 'Correct its owner and mode.');
      const opened = await ReleaseJournal.open(join(folder, 'journal'), tools.clock, tools.files);
      if (!opened.ok) throw new ReleaseRefused(opened.failure);
      const { journal, tornBytes } = opened.value;
      const torn = `The last line of ${journal.path} was cut off: the process before ended within it.`;
      return {
        store: new ReleaseStore(stateFolder, folder, journal, tools),
        remarks: tornBytes > 0 ? [torn] : [],
      };
    });
  }

  get history(): ReleaseHistory {
    return this.#journal.history;
  }

  /** See `ReleaseJournal.append`. */
  append(fact: Exclude<ReleaseFact, { kind: 'created' | 'removed' }>): Promise<void> {
    return this.#journal.append(fact);
  }

  /** Copies the source, and writes the release into the journal. A release of the same content is that release. */
  make(
    source: WantedSource,
    wanted: WantedRelease,
    options: MakeOptions = {},
  ): Promise<Result<MadeRelease, ReleaseRefusal>> {
    return this.#inTurn(async () => {
      this.#checkName(wanted.name);
      const { tree, bytes, text, remarks } = await this.#treeOf(source, wanted, options);
      const directory = await this.#directoryOf(tree, wanted.directory);
      const digest = this.#digestOf(tree, directory, wanted);
      const same = this.history.releases.find(({ release }) => release.digest === digest);
      if (same !== undefined) return { release: same.release, isNew: false, remarks };
      if (this.history.releases.some(({ release }) => release.name === wanted.name))
        refuse(
          'source',
          `Another release is called ${wanted.name}.`,
          'Name this one otherwise, or leave the name out.',
        );
      const number = this.history.nextRelease;
      const { name, command, secretWords, environment, actor, configuration } = wanted;
      const from: ReleaseSource = { kind: source.kind, text };
      const createdAt = new Date(this.#tools.clock.wallTime()).toISOString();
      const release: Release = {
        number,
        name: name ?? `r${number}`,
        digest,
        tree,
        command,
        ...(secretWords === undefined ? {} : { secretWords }),
        directory,
        environment,
        from,
        createdAt,
        actor,
        configuration,
      };
      await this.#journal.append({ kind: 'created', release, bytes });
      return { release, isNew: true, remarks };
    });
  }

  /** What a release of this source would have. Makes none; an archive or a revision is unpacked for it, and removed again. */
  survey(
    source: Exclude<WantedSource, { kind: 'configuration' }>,
    { name, persistent }: Pick<WantedRelease, 'name' | 'persistent'>,
  ): Promise<Result<SurveyedSource, ReleaseRefusal>> {
    return this.#inTurn(async () => {
      this.#checkName(name);
      return this.#withFolder(source, {}, async (folder, takes) => {
        const surveyed = await surveyTree(folder, this.#copyOptions(takes, persistent, {}));
        if (!surveyed.ok) throw new ReleaseRefused(surveyed.failure);
        return { ...surveyed.value, remarks: [] };
      });
    });
  }

  /** Where a release runs; refused where its tree is gone. */
  folderOf({ tree, directory, name }: Release): Promise<Result<string, ReleaseRefusal>> {
    return attemptRelease(async () => {
      const folder = tree === null ? directory : join(this.folder, tree, directory);
      const found = await lstatOrNull(folder, this.#files);
      if (found?.isDirectory() === true) return folder;
      return refuse('damaged', `The folder of the release ${name} is gone: ${folder}.`, 'Deploy it again.');
    });
  }

  /**
   * Removes the oldest releases beyond the limits, for after a promotion. The one in force, the one before, those of an open
   * rollout and the newest one stay. Returns the numbers of those removed.
   */
  prune(limits: StoreLimits = storeLimits): Promise<Result<readonly number[], ReleaseRefusal>> {
    return this.#inTurn(async () => {
      const { releases, inForce, previous, open } = this.history;
      const keep = new Set([inForce?.number, previous?.number, open?.from, open?.to, releases[0]?.release.number]);
      const trees = new Map<string, KeptTree>();
      for (const { release, bytes } of releases)
        if (release.tree !== null && !trees.has(release.tree)) trees.set(release.tree, { digest: release.tree, bytes });
      const kept = releases.filter(({ release }) => keep.has(release.number));
      const keptTrees = new Set(kept.flatMap(({ release }) => release.tree ?? []));
      const prunedTrees = new Set(treesToPrune([...trees.values()], keptTrees, limits));
      const removed = releases.filter(
        ({ release }, at) =>
          !keep.has(release.number) && (at >= limits.releases || prunedTrees.has(release.tree ?? '')),
      );
      for (const { release } of removed) await this.#journal.append({ kind: 'removed', release: release.number });
      await pruneTrees(this.folder, this.#treesInUse(), this.#files);
      return removed.map(({ release }) => release.number);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<Result<T, ReleaseRefusal>> {
    const done = this.#work.then(() => attemptRelease(work));
    this.#work = done.catch(() => undefined);
    return done;
  }

  #treesInUse(): ReadonlySet<string> {
    return new Set(this.history.releases.flatMap(({ release }) => release.tree ?? []));
  }

  /** A tree that no release has was copied, or being removed, when the process before ended. */
  async #removeRests(): Promise<void> {
    for (const rest of await restsOf(this.folder, this.#files)) await removeTree(rest, this.#files);
    await pruneTrees(this.folder, this.#treesInUse(), this.#files);
  }

  #checkName(name: string | null): void {
    if (name === null) return;
    const own = `r${this.history.nextRelease}`;
    if (!/^\w[\w.-]{0,63}$/.test(name) || (/^r\d+$/.test(name) && name !== own)) {
      const step =
        'Use up to 64 letters, digits, dots, dashes and underscores, and not the name of a number, such as r7.';
      refuse('source', `A release cannot be called ${JSON.stringify(name)}.`, step);
    }
  }

  async #treeOf(source: WantedSource, wanted: WantedRelease, options: MakeOptions): Promise<SourceTree> {
    if (source.kind === 'configuration') return this.#treeInForce(source.path);
    return this.#withFolder(source, options, (folder, takes) => this.#copy(folder, takes, wanted, options));
  }

  async #withFolder<T>(
    source: Exclude<WantedSource, { kind: 'configuration' }>,
    options: MakeOptions,
    use: UseFolder<T>,
  ): Promise<T & FromSource> {
    switch (source.kind) {
      case 'folder':
        return { ...(await use(source.path, false)), text: source.path };
      case 'archive':
        return this.#unpacked(use, async (into) => {
          // Loaded where it is needed: a gateway that unpacks nothing has no reader of archives in its memory.
          const { unpackArchive } = await import('./release-archive.ts');
          const folder = await unpackArchive(source.path, into, { ...this.#unpackOptions(options), ...source });
          return { folder, text: basename(source.path), remarks: [] };
        });
      case 'git':
        return this.#unpacked(use, async (into) => {
          const { repository, revision } = source;
          const { unpackGit } = await import('./release-git.ts');
          const { commit, remarks } = await unpackGit(repository, revision, into, this.#unpackOptions(options));
          const text = commit.startsWith(revision) ? revision : `${revision} (${commit.slice(0, 12)})`;
          return { folder: into, text, remarks };
        });
    }
  }

  #treeInForce(text: string): SourceTree {
    const { inForce, releases } = this.history;
    const bytes = releases.find(({ release }) => release.number === inForce?.number)?.bytes ?? 0;
    return { tree: inForce?.tree ?? null, bytes, text, remarks: [] };
  }

  async #unpacked<T>(
    use: UseFolder<T>,
    unpack: (into: string) => Promise<FromSource & { readonly folder: string }>,
  ): Promise<T & FromSource> {
    const into = await this.#files.mkdtemp(join(this.folder, '.unpack-'));
    try {
      const { folder, text, remarks } = await unpack(into);
      const used = await use(folder, true);
      return { ...used, text, remarks: [...remarks, ...used.remarks] };
    } finally {
      // What cannot be removed now is removed at the next start.
      await removeTree(into, this.#files).catch(() => undefined);
    }
  }

  async #copy(from: string, takes: boolean, { persistent }: WantedRelease, options: MakeOptions) {
    const { onProgress, ...limits } = options;
    const copied = await copyTree(from, this.folder, this.#copyOptions(takes, persistent, limits), onProgress);
    if (!copied.ok) throw new ReleaseRefused(copied.failure);
    const { digest, bytes, remarks } = copied.value;
    return { tree: digest, bytes, remarks };
  }

  #copyOptions(takes: boolean, persistent: readonly string[], limits: Omit<MakeOptions, 'onProgress'>): CopyOptions {
    const without = takes ? [] : [this.#stateFolder];
    return { ...limits, clock: this.#tools.clock, files: this.#files, persistent, takes, without };
  }

  #unpackOptions({ limits = treeLimits, reserveBytes = usualReserve, signal }: MakeOptions) {
    return { limits, reserveBytes, signal, files: this.#files };
  }

  async #directoryOf(tree: string | null, written: string): Promise<string> {
    if (tree === null) return written;
    const directory = posix.normalize(written).replace(/\/$/, '');
    const step = 'Correct `directory`: it is below the folder that is deployed.';
    if (isAbsolute(directory) || directory.split('/').includes('..'))
      return refuse('source', `The directory ${written} leads out of the release.`, step);
    const found = await lstatOrNull(join(this.folder, tree, directory), this.#files);
    if (found?.isDirectory() === true) return directory;
    return refuse('source', `The release has no folder ${written}.`, step);
  }

  #digestOf(tree: string | null, directory: string, { command, environment }: WantedRelease): string {
    const variables = Object.entries(environment).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const content = JSON.stringify([tree, command, directory, variables]);
    return createHmac('sha256', this.#key).update(`candor release 1\0${content}`).digest('hex');
  }
}

/** Of any application's name; no name is a path. */
function folderNameOf(application: string): string {
  return encodeURIComponent(application).replace(/^\./, '%2E');
}
