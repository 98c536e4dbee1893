import { linkSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { identityOf, isRunning, isSame, type ProcessIdentity } from './process-identity.ts';
import { readOwnFile } from './read-own-file.ts';
import { writeSynced } from './write-whole.ts';

/** Who owns a state folder, or did. */
export interface StateOwner {
  readonly process: ProcessIdentity;
  /** RFC 3339. */
  readonly since: string;
  /** The process that may become the owner while this one still runs; null: none may. */
  readonly successor: ProcessIdentity | null;
  /** It owns it no longer. */
  readonly released: boolean;
}

/** What lies in the folder leaves open who owns it. The message is the end of a sentence that begins with the folder. */
export class LockUnusable extends Error {
  override readonly name = 'LockUnusable';
}

/**
 * The lock of a folder: at most one living process owns it at a time, however many ask at once.
 *
 * Each owner has a number, one higher than the last one's, and a file `lock.<number>` with its identity. The owner is the process
 * in the file with the highest number. A process that wants to follow checks whether that process still runs, and if not, creates
 * the next file with link(2), which succeeds for one process only. No file is replaced, so no process can remove what another has
 * just created. Old files are removed; a process that has slept since may create one of those names again, but then it sees
 * higher numbers and gives up.
 */
export class OwnerLock {
  readonly generation: number;
  readonly #folder: string;
  #owner: StateOwner;

  private constructor(folder: string, generation: number, owner: StateOwner) {
    this.#folder = folder;
    this.generation = generation;
    this.#owner = owner;
  }

  /** Throws what the file system throws, and `LockUnusable`. */
  static acquire(folder: string, since: string): Result<OwnerLock, StateOwner> {
    const process = ownIdentity();
    const owner: StateOwner = { process, since, successor: null, released: false };
    for (let tries = 0; tries < triesMax; tries++) {
      const last = lastGeneration(folder);
      if (last >= generationMax) throw new LockUnusable(noneHigher(last));
      const holder = readOwner(folder, last);
      if (holder !== null && isHeldAgainst(holder, process)) return failWith(holder);
      if (!tryToSucceed(folder, last + 1, owner)) continue;
      removeLongGone(folder, last + 1);
      return succeed(new OwnerLock(folder, last + 1, owner));
    }
    throw new LockUnusable(`was taken by others ${triesMax} times meanwhile`);
  }

  get isHeld(): boolean {
    return !this.#owner.released && lastGeneration(this.#folder) === this.generation;
  }

  /** Lets that process become the owner while this one still runs; null: none any more. */
  nameSuccessor(successor: ProcessIdentity | null): void {
    this.#rewrite({ ...this.#owner, successor });
  }

  /** Anybody may follow. */
  release(): void {
    if (!this.#owner.released) this.#rewrite({ ...this.#owner, released: true });
  }

  #rewrite(owner: StateOwner): void {
    this.#owner = owner;
    const beside = writeBeside(this.#folder, owner);
    renameSync(beside, fileOf(this.#folder, this.generation));
  }
}

/** The present owner; null where none runs, and where that is not known. */
export function livingOwner(folder: string): StateOwner | null {
  const read = readOwnFile(fileOf(folder, lastGeneration(folder)), ownerBytesMax);
  const owner = read.kind === 'text' ? ownerIn(read.text) : null;
  return owner !== null && !owner.released && isRunning(owner.process) ? owner : null;
}

/** As many digits as a number of JavaScript keeps exactly, with room. No folder has seen so many owners. */
const generationMax = 999_999_999_999_999;
/** Each that fails means that another process has become the owner, or has given up: so many do not start at once. */
const triesMax = 1000;
/** Ten times what an owner writes. */
const ownerBytesMax = 8 * 1024;

/** How many files of owners are kept: a process that sleeps between reading and following sleeps through fewer owners. */
const filesKept = 8;

function isHeldAgainst(holder: StateOwner, asker: ProcessIdentity): boolean {
  if (holder.released || !isRunning(holder.process)) return false;
  return holder.successor === null || !isSame(holder.successor, asker);
}

/** Whether we are the owner now. Otherwise another process has followed, and everything must be read again. */
function tryToSucceed(folder: string, generation: number, owner: StateOwner): boolean {
  const beside = writeBeside(folder, owner);
  const file = fileOf(folder, generation);
  try {
    linkSync(beside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(beside);
  }
  if (lastGeneration(folder) === generation) return true;
  unlinkSync(file);
  return false;
}

function lastGeneration(folder: string): number {
  return generationsIn(folder).reduce((highest, one) => Math.max(highest, one), 0);
}

function generationsIn(folder: string): readonly number[] {
  return readdirSync(folder).flatMap((name) => {
    const digits = /^lock\.(\d{1,15})$/.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
}

/**
 * Null where there is no file, and where its content is damaged: the machine stopped while it was written. Throws where it is no
 * file of ours: the owner of the folder is not known then.
 */
function readOwner(folder: string, generation: number): StateOwner | null {
  const read = readOwnFile(fileOf(folder, generation), ownerBytesMax);
  if (read.kind === 'refused') throw new LockUnusable(unreadable(generation, read.why));
  return read.kind === 'text' ? ownerIn(read.text) : null;
}

function unreadable(generation: number, why: string): string {
  return `has a lock.${generation} that cannot be read: ${why}; remove that file once no Candor uses the folder`;
}

function noneHigher(generation: number): string {
  return `has a lock.${generation}, and no higher number can follow; remove that file once no Candor uses the folder`;
}

function ownerIn(text: string): StateOwner | null {
  try {
    return ownerFrom(JSON.parse(text));
  } catch {
    return null;
  }
}

function ownerFrom(written: { readonly [field: string]: unknown }): StateOwner | null {
  const process = identityFrom(written);
  if (process === null) return null;
  const { since, successor, released } = written;
  return {
    process,
    since: typeof since === 'string' ? since : '',
    successor: typeof successor === 'object' && successor !== null ? identityFrom({ ...successor }) : null,
    released: released === true,
  };
}

function identityFrom({ pid, start_ticks: ticks, boot_id: boot }: Readonly<Record<string, unknown>>) {
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid)) return null;
  return { pid, startTicks: typeof ticks === 'string' ? ticks : null, bootId: typeof boot === 'string' ? boot : null };
}

/** Whole and on disk before anybody can see it under its name. */
function writeBeside(folder: string, owner: StateOwner): string {
  const { process, since, successor, released } = owner;
  const plain = ({ pid, startTicks, bootId }: ProcessIdentity) => ({ pid, start_ticks: startTicks, boot_id: bootId });
  const written = { ...plain(process), since, successor: successor && plain(successor), released };
  const path = join(folder, `lock.new.${process.pid}`);
  writeSynced(path, `${JSON.stringify(written)}\n`);
  return path;
}

function removeLongGone(folder: string, generation: number): void {
  for (const one of generationsIn(folder)) {
    if (one <= generation - filesKept) unlinkIfThere(fileOf(folder, one));
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else has; or it stays, which does no harm.
  }
}

function fileOf(folder: string, generation: number): string {
  return join(folder, `lock.${generation}`);
}

function ownIdentity(): ProcessIdentity {
  return identityOf(process.pid) ?? { pid: process.pid, startTicks: null, bootId: null };
}
