import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { memoryText } from '#failures/quantity-text.ts';
import type { Clock } from '../core/time.ts';
import { inTurns } from '../core/turns.ts';
import { inParallel, type ReleaseFiles } from './release-files.ts';
import { isMissing, refuse, refuseFullDisk } from './release-refusal.ts';
import type { TreeEntry, TreeLimits, WalkedTree } from './release-walk.ts';

export interface CopyProgress {
  readonly files: number;
  readonly bytes: number;
  readonly filesTotal: number;
  readonly bytesTotal: number;
}

/** What one copy of a folder works with. */
export interface CopyContext {
  readonly files: ReleaseFiles;
  readonly clock: Clock;
  readonly limits: TreeLimits;
  /** What stays free on the disk. */
  readonly reserveBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: CopyProgress) => void;
}

interface FillOptions {
  /** The source is a folder of ours, whose files are moved, not copied. */
  readonly takes: boolean;
  readonly isReadOnly: boolean;
}

/** How much is copied between two looks at the disk. */
const spaceCheckBytes = 64 * 1024 ** 2;
const spaceCheckFiles = 256;
const hashBytes = 128 * 1024;

/** Copies what was walked into an empty folder, and returns when the disk has it. Returns the SHA-256 of each file, by its path. */
export async function fillTree(
  tree: WalkedTree,
  from: string,
  to: string,
  context: CopyContext,
  options: FillOptions,
): Promise<ReadonlyMap<string, string>> {
  const filling = new TreeFilling(tree, from, to, context, options);
  await filling.run();
  return filling.sums;
}

/** Refuses a tree of so many bytes where the disk of `folder` has no room for it. */
export async function checkSpace(bytes: number, folder: string, context: CopyContext): Promise<void> {
  const free = await freeBytes(folder, context.files);
  if (free - bytes < context.reserveBytes) refuseFullDisk(folder, memoryText(bytes), free, context.reserveBytes);
}

export async function freeBytes(folder: string, files: ReleaseFiles): Promise<number> {
  const { bavail, bsize } = await files.statfs(folder);
  return bavail * bsize;
}

/** Looks at the disk from time to time while files are written, since other programs write too. */
export class SpaceWatch {
  readonly #folder: string;
  readonly #needs: string;
  readonly #context: Pick<CopyContext, 'files' | 'reserveBytes'>;
  #files = 0;
  #bytes = 0;

  /** `needs`: the size of all files that it will write, for the message. */
  constructor(folder: string, needs: string, context: Pick<CopyContext, 'files' | 'reserveBytes'>) {
    this.#folder = folder;
    this.#needs = needs;
    this.#context = context;
  }

  /** Before so many bytes are written. */
  async add(bytes: number): Promise<void> {
    this.#bytes += bytes;
    this.#files += 1;
    if (this.#bytes < spaceCheckBytes && this.#files < spaceCheckFiles) return;
    this.#bytes = 0;
    this.#files = 0;
    const { files, reserveBytes } = this.#context;
    const free = await freeBytes(this.#folder, files);
    if (free < reserveBytes) refuseFullDisk(this.#folder, this.#needs, free, reserveBytes);
  }
}

class TreeFilling {
  readonly sums = new Map<string, string>();
  readonly #tree: WalkedTree;
  readonly #from: string;
  readonly #to: string;
  readonly #context: CopyContext;
  readonly #options: FillOptions;
  #copiedFiles = 0;
  #copiedBytes = 0;
  readonly #space: SpaceWatch;

  constructor(tree: WalkedTree, from: string, to: string, context: CopyContext, options: FillOptions) {
    this.#tree = tree;
    this.#from = from;
    this.#to = to;
    this.#context = context;
    this.#options = options;
    this.#space = new SpaceWatch(to, memoryText(tree.bytes), context);
  }

  async run(): Promise<void> {
    const { entries } = this.#tree;
    const { files, signal } = this.#context;
    const folders = entries.filter((entry) => entry.kind === 'folder');
    for (const { path } of folders) await files.mkdir(join(this.#to, path), 0o700);
    const others = entries.filter((entry) => entry.kind !== 'folder');
    await inParallel(others, signal, (entry) => this.#add(entry));
    const all = [...folders, { path: '', mode: this.#tree.mode }];
    await inParallel(all, signal, ({ path, mode }) => this.#finishFolder(join(this.#to, path), mode));
  }

  async #add(entry: TreeEntry): Promise<void> {
    const to = join(this.#to, entry.path);
    if (entry.kind === 'link') await this.#context.files.symlink(entry.target, to);
    if (entry.kind === 'file') await this.#addFile(entry, to);
    this.#copiedFiles += 1;
    const { files, bytes } = this.#tree;
    this.#context.onProgress({
      files: this.#copiedFiles,
      bytes: this.#copiedBytes,
      filesTotal: files,
      bytesTotal: bytes,
    });
  }

  async #addFile(entry: Extract<TreeEntry, { kind: 'file' }>, to: string): Promise<void> {
    const { files } = this.#context;
    const { size, mode } = entry.stats;
    if (!this.#options.takes) await this.#space.add(Number(size));
    const from = join(this.#from, entry.path);
    if (this.#options.takes) await files.rename(from, to);
    else await copyOne(from, to, entry.path, files);
    this.sums.set(entry.path, await sumOf(to, Number(size), files, true));
    await files.chmod(to, this.#modeOf(Number(mode), 0o400));
    if (!this.#options.takes) await this.#checkUnchanged(from, entry);
    this.#copiedBytes += Number(size);
  }

  async #checkUnchanged(from: string, { path, stats }: Extract<TreeEntry, { kind: 'file' }>): Promise<void> {
    const now = await this.#context.files.lstat(from, { bigint: true }).catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    const keys = ['ino', 'size', 'mtimeNs', 'ctimeNs'] as const;
    if (now === null || keys.some((key) => now[key] !== stats[key])) refuseChanged(path);
  }

  async #finishFolder(path: string, mode: number): Promise<void> {
    const { files } = this.#context;
    const handle = await files.open(path, 'r');
    try {
      await handle.chmod(this.#modeOf(mode, 0o500));
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** `own`: what this process itself needs. */
  #modeOf(mode: number, own: number): number {
    return this.#options.isReadOnly ? (mode & 0o555) | own : (mode & 0o777) | own | 0o200;
  }
}

function refuseChanged(path: string): never {
  return refuse('changed', `${path} changed while it was copied.`, 'Deploy again when it stays as it is.');
}

async function copyOne(from: string, to: string, path: string, files: ReleaseFiles): Promise<void> {
  try {
    await files.copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  } catch (error) {
    if (isMissing(error)) refuseChanged(path);
    throw error;
  }
}

/** The SHA-256 of the file; `syncs`: when the disk has it. */
export async function sumOf(path: string, size: number, files: ReleaseFiles, syncs: boolean): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(size + 1, hashBytes));
  const handle = await files.open(path, 'r');
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
    }
    if (syncs) await handle.sync();
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** Over the paths in their order, whether a file may be executed, and the content of files and links; of modes nothing else. */
export async function digestOf(tree: WalkedTree, sums: ReadonlyMap<string, string>, clock: Clock): Promise<string> {
  const hash = createHash('sha256').update('candor tree 1\0');
  await inTurns(tree.entries, clock, (entry) => {
    // No path and no target has a zero byte.
    hash.update(`${partsOf(entry, sums).join('\0')}\0`);
  });
  return hash.digest('hex');
}

function partsOf(entry: TreeEntry, sums: ReadonlyMap<string, string>): readonly string[] {
  if (entry.kind === 'folder') return ['folder', entry.path, ''];
  if (entry.kind === 'link') return ['link', entry.path, entry.target];
  const kind = (entry.stats.mode & 0o100n) === 0n ? 'file' : 'program';
  return [kind, entry.path, sums.get(entry.path) ?? ''];
}
