import { restBelow } from '../../core/rest-below.ts';
import { type Disk, type FileFacts, locationOf } from './worker-disk.ts';
import { isHidden, isProgram } from './worker-path.ts';

/** An open file, or folder, that lies below the root. */
export interface OpenFile {
  readonly fd: number;
  readonly facts: FileFacts;
}

export type NotOpened = 'missing' | 'hidden' | 'program' | 'outside';

/** Codes of the system for which there is no such file: too long names, and names below a file, are none either. */
const missingCodes: ReadonlySet<string> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ENAMETOOLONG',
  'ELOOP',
  'EINVAL',
  'ENXIO',
  'ENODEV',
]);

/** The folder of a route. Everything that is opened is opened by its path, and only then looked at: nothing can be exchanged in between. */
export class Root {
  readonly #path: string;
  readonly disk: Disk;
  /** How the names of files end that are hidden, since they are programs; null: the route runs none. */
  readonly #programs: string | null;
  /** Where the folder really lies; null: not known yet. A deployment may lead a link elsewhere. */
  #realPath: string | null = null;

  constructor(path: string, disk: Disk, programs: string | null) {
    this.#path = path;
    this.#programs = programs;
    this.disk = disk;
  }

  /** `path` is below the root. Within a turn of the disk. Rejects with the error of the system. */
  async open(path: string): Promise<OpenFile | NotOpened> {
    const realPathBefore = this.#realPath;
    let fd: number;
    try {
      fd = await this.disk.calls.open(path === '' ? this.#path : `${this.#path}/${path}`);
    } catch (error) {
      if (isMissing(error)) return 'missing';
      throw error;
    }
    let opened: FileFacts | null = null;
    try {
      const facts = await this.disk.facts(fd);
      const refused = await this.#refused(fd, facts, realPathBefore);
      if (refused !== null) return refused;
      opened = facts;
      return { fd, facts };
    } finally {
      if (opened === null) this.disk.close(fd, false);
    }
  }

  async exists(): Promise<boolean> {
    return this.disk.calls.realPath(this.#path).then(
      () => true,
      (error: unknown) => !isMissing(error),
    );
  }

  async #refused(fd: number, { kind, device }: FileFacts, realPathBefore: string | null): Promise<NotOpened | null> {
    if (kind === 'other') return 'missing';
    const location = locationOf(fd);
    if (location === null) return 'outside';
    // A deployment may have led the root elsewhere since this file was opened, and another request have noticed it.
    const restBefore = realPathBefore === null ? null : restBelow(realPathBefore, location);
    const rest = restBefore ?? (await this.#below(location, device));
    if (rest === null) return 'outside';
    if (isProgram(rest, this.#programs)) return 'program';
    return isHiddenBelow(rest) ? 'hidden' : null;
  }

  /** Whether a file at this location, which is no link, would be served. */
  serves(location: string): boolean {
    const rest = this.#realPath === null ? null : restBelow(this.#realPath, location);
    return rest !== null && !isHiddenBelow(rest) && !isProgram(rest, this.#programs);
  }

  /** The rest of the location below the root; null: it lies outside. */
  async #below(location: string, device: number): Promise<string | null> {
    const { calls } = this.disk;
    const realPath = await calls.realPath(this.#path);
    const rest = restBelow(realPath, location);
    if (rest === null) return null; // What lies outside says nothing of the disk of the root.
    this.disk.isLocal = await calls.isLocal(realPath);
    this.disk.noteDevice(device);
    this.#realPath = realPath;
    return rest;
  }
}

const isHiddenBelow = (rest: string): boolean => isHidden(rest.split('/').filter((name) => name !== ''));

/** Whether the system says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return missingCodes.has(codeOf(error));
}

/** '' of what is no error of the system. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
