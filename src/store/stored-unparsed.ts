import { closeSync, constants, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, type Clock, type Timer, type Instant } from '../core/time.ts';
import type { UnparsedJson } from '../core/unparsed-bytes.ts';
import { type UnparsedLine, unparsedMark } from '../record/unparsed-lines.ts';

/** Corrections by NTP stay below this. */
const jumpMs = 60_000;

/** A clock that was set wrongly is mostly corrected within this time. */
const distrustMs = 600_000;

/** Notices that the clock of the machine was set: for some time afterwards, ages that it gives are not believed. */
export class SetClock {
  readonly #clock: Clock;
  #ahead: number;
  #believedFrom: Instant;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#ahead = clock.wallTime() - clock.now();
    this.#believedFrom = clock.now();
  }

  /** Milliseconds since 1970; null while the clock is not believed. */
  read(): number | null {
    const [wall, now] = [this.#clock.wallTime(), this.#clock.now()];
    if (Math.abs(wall - now - this.#ahead) > jumpMs) this.#believedFrom = (now + distrustMs) as Instant;
    this.#ahead = wall - now;
    return now < this.#believedFrom ? null : wall;
  }
}

/** However long exchanges are kept: these bytes may hold secrets that nothing recognizes. */
const unparsedKeepMs = 7 * 24 * 60 * 60 * 1000;

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

/** Between two looks at the ages of files. A gateway without requests deletes them too. */
const lookEveryMs = 60 * 60 * 1000;

/**
 * The bytes that could not be parsed, as the store's thread takes them from the rings. If their files cannot be used, they are lost, and nothing else is: the
 * store of exchanges does not depend on them.
 */
export class StoredUnparsed {
  readonly #clock: Clock;
  readonly #setClock: SetClock;
  #files: UnparsedFiles | null = null;
  #taken: UnparsedLine[] = [];
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#setClock = new SetClock(clock);
  }

  /** Stores them in this folder from now on. */
  use(folder: string): void {
    this.#files = new UnparsedFiles(folder);
    this.#look();
  }

  #look(): void {
    this.#timer?.cancel();
    this.#use((files) => files.maintain(this.#setClock.read()));
    this.#timer = this.#clock.schedule(
      after(this.#clock.now(), lookEveryMs),
      StoredUnparsed.#due,
      this as StoredUnparsed,
    );
  }

  static #due(this: void, stored: StoredUnparsed): void {
    stored.#look();
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** Whether it is a line of theirs, which is then taken. */
  take(text: string): boolean {
    if (!text.startsWith(`${unparsedMark} `)) return false;
    this.#taken.push(JSON.parse(text.slice(unparsedMark.length + 1)) as UnparsedLine);
    return true;
  }

  /** Stores what was taken, once the exchanges are. Returns how many are lost. */
  store(): number {
    const taken = this.#taken;
    this.#taken = [];
    if (taken.length === 0) return 0;
    return this.#use((files) => files.append(taken)) ? 0 : taken.length;
  }

  /** The exchanges could not be stored: their lines are taken again later. */
  forget(): void {
    this.#taken = [];
  }

  find(id: string, endedAt: number): readonly UnparsedJson[] {
    let found: readonly UnparsedJson[] = [];
    this.#use((files) => {
      found = files.find(id, endedAt, this.#clock.wallTime() - unparsedKeepMs);
    });
    return found;
  }

  #use(action: (files: UnparsedFiles) => void): boolean {
    if (this.#files === null) return false;
    try {
      action(this.#files);
      return true;
    } catch {
      return false;
    }
  }
}
