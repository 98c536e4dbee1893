import { closeSync, constants, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { UnparsedJson } from '../core/unparsed-bytes.ts';
import type { UnparsedLine } from '../record/unparsed-lines.ts';

/** However long exchanges are kept: these bytes may hold secrets that nothing recognizes. */
export const unparsedKeepMs = 7 * 24 * 60 * 60 * 1000;

/** Of all files; some 20,000 exchanges. */
const bytesMax = 32 * 1024 * 1024;

const hourMs = 60 * 60 * 1000;
const namePattern = /^unparsed-(\d{4}-\d\d-\d\dT\d\d)\.ndjson$/;
const appending = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/**
 * The bytes that could not be parsed, in the folder of the store: a file for each hour, with a line for each exchange. They are files of their own so that they can be
 * deleted after seven days, and leave no trace in a database. Throws errors of the file system.
 */
export class UnparsedFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  append(lines: readonly UnparsedLine[]): void {
    for (const [path, text] of this.#textsByPath(lines)) {
      const file = openSync(path, appending, 0o600);
      try {
        writeSync(file, text);
      } finally {
        closeSync(file);
      }
    }
  }

  #textsByPath(lines: readonly UnparsedLine[]): ReadonlyMap<string, string> {
    const texts = new Map<string, string>();
    for (const line of lines) {
      const path = this.#pathOf(line.at);
      // First an LF: the line before may have been cut off with its process.
      texts.set(path, `${texts.get(path) ?? '\n'}${JSON.stringify(line)}\n`);
    }
    return texts;
  }

  /** Of the exchange with this id, which ended at `endedAt`, unless that was before `since`: milliseconds since 1970. */
  find(id: string, endedAt: number, since: number): readonly UnparsedJson[] {
    // The end is rounded, and may fall into the next hour.
    const paths = new Set([endedAt - 1000, endedAt + 1000].map((at) => this.#pathOf(at)));
    for (const path of paths) {
      if (statSync(path, { throwIfNoEntry: false }) === undefined) continue;
      for (const text of readFileSync(path, 'utf8').split('\n')) {
        // The end of a line may be missing, if the process was killed.
        const line = text.includes(id) ? lineOf(text) : null;
        if (line?.id === id && line.at >= since) return line.unparsed;
      }
    }
    return [];
  }

  /** Deletes what is too old, and the oldest of what is too much. `now`: null if the clock has just been set. */
  maintain(now: number | null): void {
    let bytes = 0;
    for (const name of this.#names().toReversed()) {
      const path = join(this.#folder, name);
      bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      const begins = Date.parse(`${namePattern.exec(name)?.[1] ?? ''}:00:00Z`);
      const isOld = now !== null && now - begins >= unparsedKeepMs;
      if (isOld || bytes > bytesMax) rmSync(path, { force: true });
    }
  }

  /** The oldest first. */
  #names(): string[] {
    return readdirSync(this.#folder)
      .filter((name) => namePattern.test(name))
      .toSorted();
  }

  #pathOf(at: number): string {
    const hour = new Date(Math.floor(at / hourMs) * hourMs).toISOString().slice(0, 13);
    return join(this.#folder, `unparsed-${hour}.ndjson`);
  }
}

function lineOf(text: string): UnparsedLine | null {
  try {
    return JSON.parse(text) as UnparsedLine;
  } catch {
    return null;
  }
}
