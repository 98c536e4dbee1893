import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, type Clock, type Timer } from '../core/time.ts';
import { readOwnFile, writeWholeLater } from './own-file.ts';

/** Of one log, in characters. */
const logMax = 512 * 1024;
const logsMax = 20;
const saveEveryMs = 1000;

/**
 * What the build of a release has printed: its last lines, in `logs/r<number>.log` beside the trees, written each second. What
 * cannot be written is left out.
 */
export class ReleaseLog {
  readonly #folder: string;
  readonly #number: number;
  readonly #clock: Clock;
  readonly #lines: string[] = [];
  #size = 0;
  #leftOut = 0;
  #timer: Timer | null = null;
  #saving: Promise<void> = Promise.resolve();

  /** `folder`: of the application's releases. */
  constructor(folder: string, number: number, clock: Clock) {
    this.#folder = join(folder, logsName);
    this.#number = number;
    this.#clock = clock;
    this.#saving = makeRoom(this.#folder, number).catch(() => undefined);
  }

  add(line: string): void {
    this.#lines.push(line);
    this.#size += line.length + 1;
    while (this.#size > logMax) {
      this.#size -= (this.#lines.shift() ?? '').length + 1;
      this.#leftOut += 1;
    }
    this.#timer ??= this.#clock.schedule(
      after(this.#clock.now(), saveEveryMs),
      (log: ReleaseLog) => void log.save(),
      this as ReleaseLog,
    );
  }

  /** Resolves when the disk has it, or it could not be written. */
  save(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    const begin = this.#leftOut === 0 ? [] : [`… ${this.#leftOut} earlier lines are left out`];
    const text = `${[...begin, ...this.#lines].join('\n')}\n`;
    this.#saving = this.#saving.then(() =>
      writeWholeLater(join(this.#folder, logName(this.#number)), text).catch(() => undefined),
    );
    return this.#saving;
  }
}

/** Null: there is none, or it cannot be read. */
export function readReleaseLog(folder: string, number: number): string | null {
  const read = readOwnFile(join(folder, logsName, logName(number)), 8 * logMax);
  return read.kind === 'text' ? read.text : null;
}

const logsName = 'logs';
const logName = (number: number): string => `r${number}.log`;

/** Makes the folder, and removes the oldest logs beyond the number that is kept. */
async function makeRoom(folder: string, number: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const numbers = (await readdir(folder)).flatMap((name) => /^r(\d+)\.log$/.exec(name)?.[1] ?? []).map(Number);
  const others = numbers.filter((one) => one !== number).toSorted((a, b) => b - a);
  for (const old of others.slice(logsMax - 1)) await rm(join(folder, logName(old)), { force: true });
}
