import { join, relative } from 'node:path';
import { memoryText } from '#failures/quantity-text.ts';
import type { Result } from '#failures/result.ts';
import type { Clock } from '../core/time.ts';
import { checkSpace, type CopyContext, type CopyProgress, digestOf, fillTree, freeBytes } from './release-copy.ts';
import { lstatOrNull, releaseFiles, type ReleaseFiles, removeTree, syncPath } from './release-files.ts';
import { readIgnore, type ReleaseIgnore } from './release-ignore.ts';
import {
  attemptRelease,
  isDiskFull,
  isExisting,
  isMissing,
  refuse,
  refuseFullDisk,
  type ReleaseRefusal,
  throwIfAborted,
} from './release-refusal.ts';
import { type TreeLimits, walkTree, type WalkedTree } from './release-walk.ts';

export interface CopyOptions {
  readonly clock: Clock;
  /** Paths in the tree whose content outlives releases; they become links into `into/persistent`. */
  readonly persistent?: readonly string[];
  /** The folder in which the application runs now, where that is no tree; what it has at a persistent path is used there. */
  readonly present?: string | null;
  /** Absolute paths that are left out, such as the state folder. */
  readonly without?: readonly string[];
  /** The source is a folder of ours, whose files are moved, not copied. */
  readonly takes?: boolean;
  /** The folder is what a build has made of this one, which has been copied before: of what it made nothing is left out. */
  readonly builtFrom?: string;
  readonly limits?: TreeLimits;
  /** What stays free on the disk. */
  readonly reserveBytes?: number;
  readonly signal?: AbortSignal | undefined;
  readonly files?: ReleaseFiles;
}

export interface CopiedTree {
  /** The name of its folder. */
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
  /** The same tree was there already. */
  readonly isSame: boolean;
  /** A sentence each. */
  readonly remarks: readonly string[];
}

/** More than large applications with their `node_modules` have. */
export const treeLimits: TreeLimits = { files: 200_000, bytes: 4 * 1024 ** 3 };
export const usualReserve = 256 * 1024 ** 2;
/** Most gateways make no release. */
const loadPersistent = () => import('./release-persistent.ts');
const ignoreBytesMax = 64 * 1024;

const restName = /^\.(?:build|copy|removed|unpack)-/;
const digestName = /^[0-9a-f]{64}$/;

/**
 * Copies a folder into `into/<digest>`, read-only. It is written to a folder beside it first and then renamed, so that a tree that
 * has its name is whole, and on the disk.
 */
export function copyTree(
  from: string,
  into: string,
  options: CopyOptions,
  onProgress: (progress: CopyProgress) => void = () => undefined,
): Promise<Result<CopiedTree, ReleaseRefusal>> {
  const context = contextOf(options, onProgress);
  const { files, limits, reserveBytes, signal } = context;
  return attemptRelease(async () => {
    const { persistent = [], takes = false, builtFrom = from, present = null } = options;
    const { linkedRemarks, linkPersistent, pathsToLink, persistentLinks, seedPersistent } = await loadPersistent();
    const links = persistentLinks(persistent);
    const ignores = await ignoresOf(from, options, files);
    const tree = await walkTree(from, { ignores, links, limits, files, signal });
    if (!takes) await checkSpace(tree.bytes, into, context);
    try {
      const linked = await pathsToLink(present, into, persistent, files);
      await linkPersistent(present, into, linked, files);
      const ofSource = await pathsIn(builtFrom, persistent, files);
      const others = persistent.filter((path) => !ofSource.includes(path));
      const remarks = [
        ...linkedRemarks(present, linked),
        ...(await seedPersistent(builtFrom, into, ofSource, context)),
        ...(await seedPersistent(from, into, others, context)),
      ];
      return { ...(await copyWalked(tree, from, into, takes, context)), remarks };
    } catch (error) {
      if (isDiskFull(error)) refuseFullDisk(into, memoryText(tree.bytes), await freeBytes(into, files), reserveBytes);
      throw error;
    }
  });
}

/**
 * Copies a folder into an empty one of ours, where a build may change it, without what is persistent. Returns its digest. Throws
 * `ReleaseRefused`.
 */
export async function stageTree(
  from: string,
  to: string,
  options: CopyOptions,
  onProgress: (progress: CopyProgress) => void = () => undefined,
): Promise<string> {
  const context = contextOf(options, onProgress);
  const { files, limits, signal, clock } = context;
  const { persistent = [], takes = false } = options;
  const { persistentLinks } = await loadPersistent();
  const links = persistentLinks(persistent);
  const walked = await walkTree(from, { ignores: await ignoresOf(from, options, files), links, limits, files, signal });
  const tree = withoutLinks(walked, links);
  if (!takes) await checkSpace(tree.bytes, to, context);
  return digestOf(tree, await fillTree(tree, from, to, context, { takes, isReadOnly: false }), clock);
}

/** A build has no access to what is persistent. */
export function withoutLinks(tree: WalkedTree, links: ReadonlyMap<string, string>): WalkedTree {
  return { ...tree, entries: tree.entries.filter(({ path }) => !links.has(path)) };
}

export function contextOf(options: CopyOptions, onProgress: (progress: CopyProgress) => void): CopyContext {
  const { clock, limits = treeLimits, reserveBytes = usualReserve, signal, files = releaseFiles } = options;
  return { files, clock, limits, reserveBytes, signal, onProgress };
}

/** Those of the paths that a folder has. */
async function pathsIn(folder: string, paths: readonly string[], files: ReleaseFiles): Promise<readonly string[]> {
  const found = await Promise.all(paths.map((path) => lstatOrNull(join(folder, path.replace(/\/+$/, '')), files)));
  return paths.filter((_, at) => found[at] !== null);
}

async function copyWalked(tree: WalkedTree, from: string, into: string, takes: boolean, context: CopyContext) {
  const { files, clock, signal } = context;
  const temporary = await files.mkdtemp(join(into, '.copy-'));
  try {
    const sums = await fillTree(tree, from, temporary, context, { takes, isReadOnly: true });
    const digest = await digestOf(tree, sums, clock);
    throwIfAborted(signal);
    const isSame = await publish(temporary, join(into, digest), files);
    await syncPath(into, files);
    return { digest, files: tree.files, bytes: tree.bytes, isSame };
  } catch (error) {
    // What cannot be removed now is a rest, which the next start removes.
    await removeTree(temporary, files).catch(() => undefined);
    throw error;
  }
}

/** Returns whether the tree was there. */
async function publish(temporary: string, to: string, files: ReleaseFiles): Promise<boolean> {
  if ((await lstatOrNull(to, files)) === null) {
    try {
      await files.rename(temporary, to);
      return false;
    } catch (error) {
      if (!isExisting(error)) throw error;
    }
  }
  await removeTree(temporary, files);
  return true;
}

export async function ignoresOf(
  from: string,
  { without = [], builtFrom }: CopyOptions,
  files: ReleaseFiles,
): Promise<ReleaseIgnore> {
  if (builtFrom !== undefined) return readIgnore('');
  const written = readIgnore(await readIgnoreFile(join(from, '.candorignore'), files));
  const root = await files.realpath(from);
  const paths = await Promise.all(without.map(async (path) => relative(root, await files.realpath(path))));
  if (paths.includes('')) refuse('source', `${from} is the state folder.`, 'Name the folder of the application.');
  const left = new Set(paths);
  return (path, isFolder) => left.has(path) || written(path, isFolder);
}

async function readIgnoreFile(path: string, files: ReleaseFiles): Promise<string> {
  const found = await lstatOrNull(path, files);
  if (found === null) return '';
  if (!found.isFile() || found.size > ignoreBytesMax)
    refuse('source', `${path} is no file of at most 64 KiB.`, 'Write one pattern a line into it.');
  return files.readFile(path, 'utf8');
}

/** A tree that is there. */
export interface KeptTree {
  readonly digest: string;
  readonly bytes: number;
}

/** The trees that exceed the number or the bytes allowed: the last ones of the list, and none of those in `keep`. */
export function treesToPrune(
  trees: readonly KeptTree[],
  keep: ReadonlySet<string>,
  limits: { readonly trees: number; readonly bytes: number },
): readonly string[] {
  const kept = trees.filter(({ digest }) => keep.has(digest));
  let count = kept.length;
  let bytes = kept.reduce((sum, tree) => sum + tree.bytes, 0);
  const others = trees.filter(({ digest }) => !keep.has(digest));
  const firstPruned = others.findIndex((tree) => {
    count += 1;
    bytes += tree.bytes;
    return count > limits.trees || bytes > limits.bytes;
  });
  return firstPruned === -1 ? [] : others.slice(firstPruned).map(({ digest }) => digest);
}

/** Removes the trees that are none of `kept`. Each loses its name first, so that a tree that has its name stays whole. */
export async function pruneTrees(
  into: string,
  kept: ReadonlySet<string>,
  files: ReleaseFiles = releaseFiles,
): Promise<readonly string[]> {
  const trees = (await namesIn(into, files)).filter((name) => digestName.test(name) && !kept.has(name));
  for (const digest of trees) {
    const retired = join(into, `.removed-${digest}`);
    await removeTree(retired, files);
    await files.rename(join(into, digest), retired);
    await removeTree(retired, files);
  }
  return trees;
}

/** Folders of copies and removals that a process has not finished. */
export async function restsOf(into: string, files: ReleaseFiles = releaseFiles): Promise<readonly string[]> {
  return (await namesIn(into, files)).filter((name) => restName.test(name)).map((name) => join(into, name));
}

async function namesIn(folder: string, files: ReleaseFiles): Promise<readonly string[]> {
  try {
    return await files.readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
