import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoreSpec } from '../core/configuration.ts';

/** A file of the store, by its number: the highest is the newest. */
export interface SegmentFile {
  readonly number: number;
  readonly path: string;
  readonly bytes: number;
  /** When it was last written: milliseconds since 1970. */
  readonly writtenAt: number;
}

const namePattern = /^exchanges-(\d{6,})\.sqlite$/;
const besides = ['', '-wal', '-shm'];

/** The files of the store: their names, sizes and ages. Retention deletes whole files, the oldest first. */
export class StoreFolder {
  readonly #path: string;

  /** Makes the folder if it is missing. Throws errors of the file system. */
  constructor(path: string) {
    this.#path = path;
    this.#make();
  }

  #make(): void {
    const outermost = mkdirSync(this.#path, { recursive: true, mode: 0o700 });
    if (outermost === undefined) return;
    try {
      // As for the state folder: `git add .` passes a folder by that we have made.
      writeFileSync(join(outermost, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 });
    } catch {
      // A full disk: what matters more says so.
    }
  }

  /** The oldest first. */
  files(): readonly SegmentFile[] {
    const numbers = readdirSync(this.#path).flatMap((name) => {
      const number = namePattern.exec(name)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
    return numbers.toSorted((a, b) => a - b).map((number) => this.#file(number));
  }

  pathOf(number: number): string {
    return join(this.#path, `exchanges-${String(number).padStart(6, '0')}.sqlite`);
  }

  /** The path of a file that is there: other users must not read what clients have asked. */
  made(number: number): string {
    const path = this.pathOf(number);
    this.#make();
    closeSync(openSync(path, 'a', 0o600));
    return path;
  }

  /** Identifies the files behind a number: another text if one of them was removed or replaced. */
  identity(number: number): string {
    const path = this.pathOf(number);
    return ['', '-wal'].map((suffix) => statSync(`${path}${suffix}`, { throwIfNoEntry: false })?.ino ?? 0).join();
  }

  #file(number: number): SegmentFile {
    const path = this.pathOf(number);
    const facts = besides.map((suffix) => statSync(`${path}${suffix}`, { throwIfNoEntry: false }));
    const bytes = facts.reduce((sum, fact) => sum + (fact?.size ?? 0), 0);
    return { number, path, bytes, writtenAt: Math.max(...facts.map((fact) => fact?.mtimeMs ?? 0)) };
  }

  delete({ path }: Pick<SegmentFile, 'path'>): void {
    for (const suffix of besides) rmSync(`${path}${suffix}`, { force: true });
  }

  /** Renames a file that cannot be read, so that it is neither used nor lost. Returns its new path. */
  moveAside(number: number): string {
    const path = this.pathOf(number);
    const aside = `${path}.corrupt`;
    for (const suffix of besides) {
      if (statSync(`${path}${suffix}`, { throwIfNoEntry: false }) === undefined) continue;
      renameSync(`${path}${suffix}`, `${aside}${suffix}`);
    }
    return aside;
  }
}

/** So many files make up the size that may be kept: when the newest is full, an eighth of what is stored is deleted. */
const filesPerStore = 8;

/** How large a file grows before the next one begins. */
export function segmentBytesOf({ keepBytes }: StoreSpec): number {
  return Math.floor(keepBytes / filesPerStore);
}

/** Of a file, the part that lines of applications may take. */
const outputPart = 0.25;

/** How much of a file the output of applications may take: beyond it the oldest lines of the file are deleted. */
export function outputBytesOf(spec: StoreSpec): number {
  return Math.floor(segmentBytesOf(spec) * outputPart);
}

/** How much time a file comprises before the next one begins: a file is deleted as a whole, when its newest record is too old. */
export function segmentAgeMsOf({ keepAgeMs }: StoreSpec): number {
  return keepAgeMs / filesPerStore;
}

/**
 * The files that are deleted now, the oldest first; never the newest. `now`: milliseconds since 1970; null: the clock has just been set, and
 * nothing is deleted for its age.
 */
export function expired(
  files: readonly SegmentFile[],
  { keepAgeMs, keepBytes }: StoreSpec,
  now: number | null,
): SegmentFile[] {
  // The newest file may still grow.
  let room = keepBytes - keepBytes / filesPerStore;
  const gone: SegmentFile[] = [];
  for (const file of files.slice(0, -1).toReversed()) {
    room -= file.bytes;
    if (room < 0 || (now !== null && now - file.writtenAt > keepAgeMs)) gone.unshift(file);
  }
  return gone;
}
