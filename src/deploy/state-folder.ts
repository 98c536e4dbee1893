import { join } from 'node:path';
import {
  type HandoffRecord,
  type InstanceRecord,
  type InstancesFile,
  instancesBytesMax,
  readInstances,
  writeInstances,
} from './instance-record.ts';
import { LockUnusable, type StateOwner, OwnerLock } from './owner-lock.ts';
import { identityOfFolder, makePrivateFolder } from './private-folder.ts';
import { identityOf, readBootId, readUptimeMs } from './process-identity.ts';
import { readOwnFile, writeWhole, writeWholeLater } from './own-file.ts';

export type { StateOwner } from './owner-lock.ts';

/** What came of wanting a state folder. */
type StateFolderResult =
  | { readonly kind: 'owned'; readonly folder: StateFolder }
  /** Another process owns it that runs. */
  | { readonly kind: 'held'; readonly owner: StateOwner }
  /** It cannot be made, read or written. */
  | UnusableFolder;

export interface UnusableFolder {
  readonly kind: 'unusable';
  /** Null where the system had nothing against it. */
  readonly errno: string | null;
  /** What stands in the way; the end of a sentence that begins with the folder. */
  readonly why: string;
}

/** What the owner before has left behind. */
export type PreviousState =
  | { readonly kind: 'nothing' }
  /** One sentence without its subject, the file: "it is damaged". */
  | { readonly kind: 'ignored'; readonly why: string }
  /** `agoMs`: how long no process has looked after them. `detached`: they were left on purpose; else their Candor was killed. */
  | { readonly kind: 'instances'; readonly file: InstancesFile; readonly detached: boolean; readonly agoMs: number };

/**
 * The folder for what a later process has to know. One process owns it at a time; the files are
 *
 * - `lock.<generation>`: who owns it, and who did before;
 * - `generation`: the number of the owner that looks after the applications; the watchdogs of earlier owners read it;
 * - `instances.json`: which instances run, so that they can be adopted;
 * - `output/`: the named pipes that applications write into.
 */
export class StateFolder {
  readonly path: string;
  readonly #lock: OwnerLock;
  /** Nothing is written to another folder of the same name: we do not own that one. */
  readonly #identity: string;
  /** Unknown fields of the file that was found. */
  #unknownFields: InstancesFile['unknownFields'] = {};
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string, identity: string, lock: OwnerLock) {
    this.path = path;
    this.#identity = identity;
    this.#lock = lock;
  }

  /** Never throws. `since`: now, in RFC 3339. */
  static open(path: string, since: string): StateFolderResult {
    try {
      const problem = makePrivateFolder(path);
      if (problem !== null) return { kind: 'unusable', errno: null, why: problem };
      const identity = identityOfFolder(path);
      const lock = OwnerLock.acquire(path, since);
      return lock.ok
        ? { kind: 'owned', folder: new StateFolder(path, identity, lock.value) }
        : { kind: 'held', owner: lock.failure };
    } catch (error) {
      return unusableFolder(error);
    }
  }

  get generation(): number {
    return this.#lock.generation;
  }

  get generationFile(): string {
    return generationFileOf(this.path);
  }

  get isOwned(): boolean {
    try {
      return this.#replacement() === null && this.#lock.isHeld;
    } catch {
      return false; // the folder has gone
    }
  }

  /** Publishes our number: our watchdog watches the applications, and the watchdogs of earlier owners may end. */
  announce(): UnusableFolder | null {
    return this.#attempt(() => writeWhole(this.generationFile, `${this.generation}\n`));
  }

  read(): PreviousState {
    const previous = readPreviousState(this.path);
    if (previous.kind === 'instances') this.#unknownFields = previous.file.unknownFields;
    return previous;
  }

  /**
   * Resolves when the disk has it. `graceMs`: given out of our hands for so long; undefined: they are still in ours.
   * Calls are carried out one after the other.
   */
  write(
    instances: readonly InstanceRecord[],
    detached?: { readonly graceMs: number | null },
  ): Promise<UnusableFolder | null> {
    const atUptimeMs = readUptimeMs();
    const handoff: HandoffRecord | null =
      detached === undefined || atUptimeMs === null ? null : { atUptimeMs, graceMs: detached.graceMs };
    const bootId = readBootId();
    const file: InstancesFile = {
      bootId,
      generation: this.generation,
      handOver: handoff,
      instances,
      unknownFields: this.#unknownFields,
    };
    const writing = this.#writing.then(() => this.#replaceInstances(writeInstances(file)));
    this.#writing = writing;
    return writing;
  }

  async #replaceInstances(content: string): Promise<UnusableFolder | null> {
    try {
      const replaced = this.#replacement();
      if (replaced === null) await writeWholeLater(instancesFileOf(this.path), content);
      return replaced;
    } catch (error) {
      return unusableFolder(error);
    }
  }

  /** Lets that process own the folder while this one still runs; null: none any more. */
  nameSuccessor(pid: number | null): UnusableFolder | null {
    return this.#attempt(() => this.#lock.nameSuccessor(pid === null ? null : identityOf(pid)));
  }

  release(): void {
    this.#attempt(() => this.#lock.release());
  }

  #attempt(act: () => void): UnusableFolder | null {
    try {
      const replaced = this.#replacement();
      if (replaced === null) act();
      return replaced;
    } catch (error) {
      return unusableFolder(error);
    }
  }

  /** Throws where there is no folder of that name any more. */
  #replacement(): UnusableFolder | null {
    const why = 'is another than the one that was taken';
    return identityOfFolder(this.path) === this.#identity ? null : { kind: 'unusable', errno: null, why };
  }
}

/** The content of the folder, whichever process owns it. */
export function readPreviousState(path: string): PreviousState {
  const read = readOwnFile(instancesFileOf(path), instancesBytesMax);
  if (read.kind === 'none') return { kind: 'nothing' };
  if (read.kind === 'refused') return { kind: 'ignored', why: read.why };
  const file = readInstances(read.text);
  if ('why' in file) return { kind: 'ignored', why: file.why };
  const uptimeMs = readUptimeMs();
  if (file.bootId === null || file.bootId !== readBootId() || uptimeMs === null) {
    return { kind: 'ignored', why: 'it is from before the machine started' };
  }
  const agoMs = file.handOver === null ? 0 : Math.max(0, uptimeMs - file.handOver.atUptimeMs);
  return { kind: 'instances', file, detached: file.handOver !== null, agoMs };
}

export function outputFolderOf(path: string): string {
  return join(path, 'output');
}

function generationFileOf(path: string): string {
  return join(path, 'generation');
}

function instancesFileOf(path: string): string {
  return join(path, 'instances.json');
}

function unusableFolder(error: unknown): UnusableFolder {
  if (error instanceof LockUnusable) return { kind: 'unusable', errno: null, why: error.message };
  const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
  return { kind: 'unusable', errno, why: `cannot be written (${errno})` };
}
