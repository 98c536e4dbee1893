import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { countText, memoryText } from '#failures/quantity-text.ts';
import { inParallel, type ReleaseFiles } from './release-files.ts';
import type { ReleaseIgnore } from './release-ignore.ts';
import { isMissing, refuse } from './release-refusal.ts';

/** What a tree has at a path, as it was seen before it is copied. */
export type TreeEntry = { readonly path: string } & (
  | { readonly kind: 'file'; readonly stats: BigIntStats }
  | { readonly kind: 'link'; readonly target: string }
  /** `mode`: of a folder that is not in the source, such as one above a persistent path, that of a usual one. */
  | { readonly kind: 'folder'; readonly mode: number }
);

export interface TreeLimits {
  readonly files: number;
  readonly bytes: number;
}

interface WalkOptions {
  readonly ignores: ReleaseIgnore;
  /** Paths of links that lie in the tree in place of what the source has there. */
  readonly links: ReadonlyMap<string, string>;
  readonly limits: TreeLimits;
  readonly files: ReleaseFiles;
  readonly signal: AbortSignal | undefined;
}

export interface WalkedTree {
  /** A folder comes before what is in it; names within a folder are sorted. The folder of the tree itself is none of them. */
  readonly entries: readonly TreeEntry[];
  readonly mode: number;
  readonly files: number;
  readonly bytes: number;
}

const usualFolder = 0o755;

/** Looks at all that a folder has, and reads no file. Throws `ReleaseRefused`. */
export async function walkTree(from: string, options: WalkOptions): Promise<WalkedTree> {
  const found = await options.files.lstat(from);
  if (!found.isDirectory()) refuse('source', `${from} is not a folder.`, 'Name the folder of the application.');
  const walk = new TreeWalk(from, options);
  await walk.enter('', true);
  return { entries: walk.entries, mode: found.mode, files: walk.count, bytes: walk.bytes };
}

class TreeWalk {
  readonly entries: TreeEntry[] = [];
  count = 0;
  bytes = 0;
  readonly #from: string;
  readonly #options: WalkOptions;

  constructor(from: string, options: WalkOptions) {
    this.#from = from;
    this.#options = options;
  }

  /** `isThere`: false for a folder that only a link of ours needs. */
  async enter(folder: string, isThere: boolean): Promise<void> {
    const { files, links, signal } = this.#options;
    const own = isThere ? await files.readdir(join(this.#from, folder)) : [];
    const prefix = folder === '' ? '' : `${folder}/`;
    const added = [...links.keys()].filter((path) => path.startsWith(prefix)).map((path) => nameBelow(path, prefix));
    const paths = [...new Set([...own, ...added])].toSorted(byCodeUnits).map((name) => `${prefix}${name}`);
    const entries: (TreeEntry | null)[] = paths.map(() => null);
    const missing = new Set<string>();
    await inParallel(paths, signal, async (path, at) => {
      entries[at] = await this.#look(path, missing);
    });
    for (const entry of entries) {
      if (entry === null) continue;
      this.entries.push(entry);
      if (entry.kind === 'folder') await this.enter(entry.path, !missing.has(entry.path));
    }
  }

  /** Null: it is left out. */
  async #look(path: string, missing: Set<string>): Promise<TreeEntry | null> {
    const { files, links, ignores } = this.#options;
    const target = links.get(path);
    if (target !== undefined) return { path, kind: 'link', target };
    const at = join(this.#from, path);
    const isAbove = [...links.keys()].some((link) => link.startsWith(`${path}/`));
    let stats: BigIntStats;
    try {
      stats = await files.lstat(at, { bigint: true });
    } catch (error) {
      if (!isMissing(error)) throw error;
      if (!isAbove) return refuseMissing(path);
      missing.add(path);
      return { path, kind: 'folder', mode: usualFolder };
    }
    if (isAbove && !stats.isDirectory())
      return refuse('source', `${path} is not a folder, but a persistent path lies below it.`, 'Correct `persistent`.');
    if (ignores(path, stats.isDirectory())) return this.#leaveOut(path, isAbove, missing);
    if (stats.isDirectory()) return { path, kind: 'folder', mode: Number(stats.mode) };
    this.#count(path, stats);
    if (stats.isFile()) return { path, kind: 'file', stats };
    if (!stats.isSymbolicLink()) return refuseSpecial(path, typeText(stats));
    return { path, kind: 'link', target: checkLink(path, await files.readlink(at)) };
  }

  #leaveOut(path: string, isAbove: boolean, missing: Set<string>): TreeEntry | null {
    if (!isAbove) return null;
    missing.add(path);
    return { path, kind: 'folder', mode: usualFolder };
  }

  #count(path: string, stats: BigIntStats): void {
    this.count += 1;
    this.bytes += stats.isFile() ? Number(stats.size) : 0;
    checkLimits(this.count, this.bytes, path, this.#options.limits);
  }
}

export function checkLimits(count: number, bytes: number, path: string, limits: TreeLimits): void {
  const step = 'Leave files out in .candorignore, or raise the limit.';
  if (count > limits.files) {
    refuse('limit', `The release has more than ${countText(limits.files, 'file')}; ${path} is one more.`, step);
  }
  if (bytes > limits.bytes) {
    refuse('limit', `The release has more than ${memoryText(limits.bytes)}; ${path} exceeds that.`, step);
  }
}

/**
 * Returns the target of a link if it stays within the tree, wherever the tree lies. A `..` after a name could lead out over
 * another link, and is refused too.
 */
export function checkLink(path: string, target: string): string {
  const steps = target.split('/');
  const ups = steps.findIndex((step) => step !== '..' && step !== '.' && step !== '');
  const leading = steps.slice(0, ups === -1 ? undefined : ups).filter((step) => step === '..').length;
  const isInside = !target.startsWith('/') && leading < path.split('/').length;
  if (isInside && (ups === -1 || !steps.slice(ups).includes('..'))) return target;
  return refuse(
    'source',
    `The link ${path} leads out of the folder, to ${target}.`,
    'Put what it leads to into the folder, make the link relative, or leave it out in .candorignore.',
  );
}

export function refuseSpecial(path: string, type: string): never {
  return refuse(
    'source',
    `${path} is a ${type}; a release has files, folders and links.`,
    'Leave it out in .candorignore.',
  );
}

function refuseMissing(path: string): never {
  // U+FFFD stands for bytes that are no UTF-8: a file of the name that was read is not there.
  if (path.includes('\uFFFD'))
    return refuse(
      'source',
      `The name of ${path} is not UTF-8.`,
      'Rename it, or leave its folder out in .candorignore.',
    );
  return refuse('changed', `${path} was removed while the folder was read.`, 'Deploy again when it stays as it is.');
}

function typeText(stats: BigIntStats): string {
  if (stats.isFIFO()) return 'named pipe';
  return stats.isSocket() ? 'socket' : 'device';
}

function nameBelow(path: string, prefix: string): string {
  return path.slice(prefix.length).split('/')[0] ?? '';
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : 1;
}
