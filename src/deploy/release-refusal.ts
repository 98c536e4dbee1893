import { failWith, type Result, succeed } from '#failures/result.ts';
import { memoryText } from '#failures/quantity-text.ts';
import { errnoSentence } from '../core/errno-text.ts';

/** Why a release was not made, or a line of the journal not written. Nothing has changed then. */
export interface ReleaseRefusal {
  /**
   * - `source`: the folder, revision or archive cannot be a release;
   * - `changed`: it changed while it was read; the same again may succeed;
   * - `limit`: it has more files or bytes than allowed;
   * - `disk_full`: the disk of the state folder has no room;
   * - `build`: its build has failed;
   * - `damaged`: what an earlier process has written cannot be read;
   * - `aborted`: the caller has aborted it;
   * - `system`: a system call failed.
   */
  readonly kind: 'source' | 'changed' | 'limit' | 'disk_full' | 'build' | 'damaged' | 'aborted' | 'system';
  /** One sentence: what happened, to what. */
  readonly reason: string;
  /** One sentence: what to do. */
  readonly step: string;
}

/** Carries a refusal to the function that returns it. */
export class ReleaseRefused extends Error {
  readonly refusal: ReleaseRefusal;

  constructor(refusal: ReleaseRefusal) {
    super(`${refusal.reason} ${refusal.step}`);
    this.refusal = refusal;
  }
}

export function refuse(kind: ReleaseRefusal['kind'], reason: string, step: string): never {
  throw new ReleaseRefused({ kind, reason, step });
}

export const abortedRefusal: ReleaseRefusal = {
  kind: 'aborted',
  reason: 'The release was not made, since it was aborted.',
  step: 'Deploy again.',
};

/** The reason of the signal may be a refusal of its own. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw signal.reason instanceof ReleaseRefused ? signal.reason : new ReleaseRefused(abortedRefusal);
}

/** Calls `work`: refusals and errors of the system are its failure; what else it throws is a fault of ours, and is thrown. */
export async function attemptRelease<T>(work: () => Promise<T>): Promise<Result<T, ReleaseRefusal>> {
  try {
    return succeed(await work());
  } catch (error) {
    return failWith(refusalOf(error));
  }
}

/** Throws what is no error of the system. */
export function refusalOf(error: unknown): ReleaseRefusal {
  if (error instanceof ReleaseRefused) return error.refusal;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (code === undefined || code.startsWith('ERR_')) throw error;
  const what = syscall === undefined || path === undefined ? (syscall ?? 'It') : `${syscall} of ${path}`;
  if (isDiskFull(error)) return { kind: 'disk_full', reason: `${what} failed: the disk is full.`, step: freeSpace };
  if (code === 'ENOTDIR') {
    const reason = path === undefined ? `${(error as Error).message}.` : `A part of ${path} is not a folder.`;
    return { kind: 'system', reason, step: 'Look at that path.' };
  }
  if (isMissing(error)) return { kind: 'system', reason: `${path ?? what} is not there.`, step: 'Look at that path.' };
  const step = 'Look at the path, its owner and its disk.';
  return { kind: 'system', reason: `${what} failed: ${errnoSentence(code)}`, step };
}

const freeSpace = 'Free space there (`df -h`), or remove old releases.';

export function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** ENOTDIR: a part of its path is a file. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

export function isUnreadable(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');
}

export function isExisting(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EEXIST' || code === 'ENOTEMPTY';
}

/** `needs`: how much the tree has; `free`: what the disk has left. */
export function refuseFullDisk(folder: string, needs: string, free: number, reserve: number): never {
  const reason = `The release needs ${needs} on the disk of ${folder}, which has ${memoryText(free)} left; ${memoryText(reserve)} stay free for other files.`;
  return refuse('disk_full', reason, freeSpace);
}
