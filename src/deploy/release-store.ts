import { createHmac } from 'node:crypto';
import { isAbsolute, join, posix } from 'node:path';
import type { Result } from '#failures/result.ts';
import type { Random } from '../core/random.ts';
import type { Release, ReleasedWorkers, ReleaseSource } from '../core/release.ts';
import type { Clock } from '../core/time.ts';
import { keptKey } from './kept-key.ts';
import { makePrivateFolder } from './private-folder.ts';
import type { ReleaseBuild } from './release-build.ts';
import type { CopyProgress } from './release-copy.ts';
import { lstatOrNull, releaseFiles, type ReleaseFiles, removeTree } from './release-files.ts';
import type { ReleaseHistory } from './release-history.ts';
import { ReleaseJournal } from './release-journal.ts';
import type { ReleaseFact } from './release-line.ts';
import { attemptRelease, refuse, type ReleaseRefusal, ReleaseRefused } from './release-refusal.ts';
import {
  type FileSource,
  type FromSource,
  inTemporaryFolder,
  type SourceFolder,
  withSource,
} from './release-source.ts';
import {
  type CopyOptions,
  copyTree,
  type KeptTree,
  pruneTrees,
  restsOf,
  stageTree,
  treeLimits,
  treesToPrune,
  usualReserve,
} from './release-tree.ts';
import type { TreeLimits } from './release-walk.ts';

/** Where a release comes from. */
export type WantedSource =
  | FileSource
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
  /** Absent: the application has none. */
  readonly workers?: ReleasedWorkers;
  readonly persistent: readonly string[];
  readonly actor: string;
  readonly configuration: number | null;
}

type WantedContent = Pick<WantedRelease, 'command' | 'environment' | 'workers'>;

interface MakeOptions {
  /** Null: the source is the release. Of a configuration: its tree was made before. */
  readonly build?: ReleaseBuild | null;
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

interface SourceTree extends FromSource {
  readonly tree: string | null;
  readonly bytes: number;
  readonly built?: Release['built'] | undefined;
}

interface SurveyedSource extends FromSource {
  readonly files: number;
  readonly bytes: number;
  /** The release that has the same files, command and environment; null: there is none. */
  readonly same: Release | null;
}

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
  readonly #restsRemoved: Promise<unknown>;
  #work: Promise<unknown>;

  private constructor(stateFolder: string, folder: string, journal: ReleaseJournal, tools: StoreTools) {
    this.folder = folder;
    this.#stateFolder = stateFolder;
    this.#journal = journal;
    this.#tools = tools;
    this.#files = tools.files ?? releaseFiles;
    this.#key = keptKey(stateFolder, 'release-key', tools.random);
    this.#restsRemoved = this.#removeRests().catch(() => undefined);
    this.#work = this.#restsRemoved;
  }

  /** Rests of an earlier process are removed in the background, before the first change. */
  static open(
    stateFolder: string,
    application: string,
    tools: StoreTools,
  ): Promise<Result<{ readonly store: ReleaseStore; readonly remarks: readonly string[] }, ReleaseRefusal>> {
    return attemptRelease(async () => {
      const folder = releasesFolder(stateFolder, application);
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

  /** Copies the source, builds it, and writes the release into the journal. A release of the same content is that release. */
  make(
    source: WantedSource,
    wanted: WantedRelease,
    options: MakeOptions = {},
  ): Promise<Result<MadeRelease, ReleaseRefusal>> {
    const { build = null } = options;
    if (source.kind === 'configuration')
      return this.#inTurn(() => this.#add(source.kind, this.#treeInForce(source.path), wanted));
    const unpack = this.#unpackOptions(options);
    // Changes that come meanwhile do not wait for a build.
    if (build !== null)
      return attemptRelease(async () => {
        await this.#restsRemoved;
        this.#checkName(wanted.name);
        return withSource(source, this.folder, unpack, (from) =>
          inTemporaryFolder(join(this.folder, '.build-'), this.#files, (folder) =>
            this.#build(source.kind, from, folder, build, wanted, options),
          ),
        );
      });
    return this.#inTurn(() => {
      this.#checkName(wanted.name);
      return withSource(source, this.folder, unpack, async (from) =>
        this.#add(source.kind, await this.#copy(from, wanted, options), wanted),
      );
    });
  }

  /** What the same build has made of the same source is not built again. */
  async #build(
    kind: FileSource['kind'],
    from: SourceFolder,
    folder: string,
    build: ReleaseBuild,
    wanted: WantedRelease,
    options: MakeOptions,
  ): Promise<MadeRelease> {
    const { onProgress, limits = treeLimits, reserveBytes = usualReserve, signal } = options;
    const staging = this.#copyOptions(from.takes, wanted.persistent, options);
    const digest = await stageTree(from.folder, folder, staging, onProgress);
    const source = this.#sourceKey(digest, build, wanted);
    const same = await this.#inTurnOrThrow(async () => {
      const found = this.history.releases.find(({ release }) => release.built?.source === source);
      if (found === undefined || !(await this.folderOf(found.release)).ok) return null;
      const { tree, built } = found.release;
      return this.#add(kind, { ...from, tree, bytes: found.bytes, built }, wanted);
    });
    if (same !== null) return same;
    this.#checkNameIsFree(wanted.name);
    const context = { clock: this.#tools.clock, files: this.#files, limits, reserveBytes, signal };
    const { buildIn } = await import('./release-build.ts');
    const ms = await buildIn(folder, build, wanted.environment, context);
    return this.#inTurnOrThrow(async () => {
      const copied = await this.#copy({ ...from, folder, takes: true }, wanted, options, from.folder);
      return this.#add(kind, { ...copied, built: { ms, source } }, wanted);
    });
  }

  async #add(
    kind: WantedSource['kind'],
    { tree, bytes, text, remarks, built }: SourceTree,
    wanted: WantedRelease,
  ): Promise<MadeRelease> {
    this.#checkName(wanted.name);
    const directory = await this.#directoryOf(tree, wanted.directory);
    const digest = this.#digestOf(tree, directory, wanted);
    const same = this.history.releases.find(({ release }) => release.digest === digest);
    if (same !== undefined)
      return { release: same.release, isNew: false, remarks: [...remarks, ...keptName(wanted.name, same.release)] };
    this.#checkNameIsFree(wanted.name);
    const number = this.history.nextRelease;
    const { name, command, secretWords, environment, workers = {}, actor, configuration } = wanted;
    const from: ReleaseSource = { kind, text };
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
      ...(Object.keys(workers).length === 0 ? {} : { workers }),
      from,
      createdAt,
      actor,
      configuration,
      ...(built === undefined ? {} : { built }),
    };
    await this.#journal.append({ kind: 'created', release, bytes });
    return { release, isNew: true, remarks };
  }

  /**
   * What a release of this source would have. Makes none; an archive or a revision is unpacked for it, and removed again.
   * `directory` of `wanted`: where the application runs that was never deployed.
   */
  survey(
    source: FileSource,
    wanted: Omit<WantedRelease, 'actor' | 'configuration'>,
    build: Pick<ReleaseBuild, 'command'> | null,
  ): Promise<Result<SurveyedSource, ReleaseRefusal>> {
    return this.#inTurn(async () => {
      this.#checkName(wanted.name);
      return withSource(source, this.folder, this.#unpackOptions({}), async ({ folder, takes, text, remarks }) => {
        const options = this.#copyOptions(takes, wanted.persistent, {});
        const present = this.history.inForce === null ? wanted.directory : (options.present ?? null);
        const { surveyTree } = await import('./release-survey.ts');
        const surveyed = await surveyTree(folder, this.folder, build !== null, { ...options, present });
        if (!surveyed.ok) throw new ReleaseRefused(surveyed.failure);
        const { files, bytes, digest, remarks: more } = surveyed.value;
        const same = this.#sameAs(build === null ? digest : this.#builtFrom(digest, build, wanted), wanted);
        return { files, bytes, text, same, remarks: [...remarks, ...more] };
      });
    });
  }

  /** The tree that this build has made of this source before; null: none. */
  #builtFrom(digest: string, build: Pick<ReleaseBuild, 'command'>, wanted: WantedContent): string | null {
    const source = this.#sourceKey(digest, build, wanted);
    return this.history.releases.find(({ release }) => release.built?.source === source)?.release.tree ?? null;
  }

  #sameAs(tree: string | null, wanted: WantedContent): Release | null {
    const isSame = ({ release }: { readonly release: Release }): boolean =>
      release.tree === tree && release.digest === this.#digestOf(tree, release.directory, wanted);
    return (tree !== null && this.history.releases.find(isSame)?.release) || null;
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
   * Removes releases beyond the limits, for after a rollout: first those that never were in force, then the oldest. The one in
   * force, the one before, those of an open rollout and the newest one stay. Returns the numbers of those removed.
   */
  prune(limits: StoreLimits = storeLimits): Promise<Result<readonly number[], ReleaseRefusal>> {
    return this.#inTurn(async () => {
      const { releases: all, inForce, previous, open } = this.history;
      const keep = new Set([inForce?.number, previous?.number, open?.from, open?.to, all[0]?.release.number]);
      const releases = all.toSorted((a, b) => Number(b.wasInForce) - Number(a.wasInForce));
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

  async #inTurnOrThrow<T>(work: () => Promise<T>): Promise<T> {
    const done = await this.#inTurn(work);
    if (!done.ok) throw new ReleaseRefused(done.failure);
    return done.value;
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

  #checkNameIsFree(name: string | null): void {
    if (this.history.releases.some(({ release }) => release.name === name))
      refuse('source', `Another release is called ${name}.`, 'Name this one otherwise, or leave the name out.');
  }

  #treeInForce(text: string): SourceTree {
    const { inForce, releases } = this.history;
    const bytes = releases.find(({ release }) => release.number === inForce?.number)?.bytes ?? 0;
    return { tree: inForce?.tree ?? null, bytes, built: inForce?.built, text, remarks: [] };
  }

  /** `builtFrom`: the source, of which `from` is what a build has made. */
  async #copy(from: SourceFolder, { persistent }: WantedRelease, options: MakeOptions, builtFrom?: string) {
    const copyOptions = { ...this.#copyOptions(from.takes, persistent, options), ...(builtFrom && { builtFrom }) };
    const copied = await copyTree(from.folder, this.folder, copyOptions, options.onProgress);
    if (!copied.ok) throw new ReleaseRefused(copied.failure);
    const { digest, bytes, remarks } = copied.value;
    return { tree: digest, bytes, text: from.text, remarks: [...from.remarks, ...remarks] };
  }

  #copyOptions(takes: boolean, persistent: readonly string[], options: MakeOptions): CopyOptions {
    const { build: _build, onProgress: _onProgress, ...limits } = options;
    const without = takes ? [] : [this.#stateFolder];
    const { inForce } = this.history;
    const present = inForce?.tree === null ? inForce.directory : null;
    return { ...limits, clock: this.#tools.clock, files: this.#files, persistent, present, takes, without };
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

  #digestOf(tree: string | null, directory: string, { command, environment, workers = {} }: WantedContent): string {
    const named = Object.entries(workers)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, worker]) => [id, worker.command, sortedVariables(worker.environment)]);
    // A release without workers is the same as before releases had any.
    const content = [tree, command, directory, sortedVariables(environment), ...(named.length > 0 ? [named] : [])];
    return this.#keyed('candor release 1', content);
  }

  #sourceKey(digest: string, { command }: Pick<ReleaseBuild, 'command'>, { environment }: WantedContent): string {
    return this.#keyed('candor build 1', [digest, command, sortedVariables(environment)]);
  }

  #keyed(kind: string, content: readonly unknown[]): string {
    return createHmac('sha256', this.#key)
      .update(`${kind}\0${JSON.stringify(content)}`)
      .digest('hex');
  }
}

function keptName(name: string | null, { name: kept }: Release): readonly string[] {
  if (name === null || name === kept) return [];
  return [`The release ${name} has the same files, command and environment as ${kept}, and keeps that name.`];
}

const sortedVariables = (environment: Readonly<Record<string, string>>): readonly (readonly [string, string])[] =>
  Object.entries(environment).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Where all releases of an application are. */
export function releasesFolder(stateFolder: string, application: string): string {
  return join(stateFolder, 'releases', folderNameOf(application));
}

/** Of any application's name; no name is a path. */
export function folderNameOf(application: string): string {
  return encodeURIComponent(application).replace(/^\./, '%2E');
}
