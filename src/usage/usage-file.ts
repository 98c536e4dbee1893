import { lstat, open, readdir, rename, rm, truncate } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { readOwnFile, writeWholeLater } from '../deploy/own-file.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { addAmounts, type Amounts, noAmounts, ownerKey } from './amounts.ts';
import {
  countedLine,
  type CountedPrograms,
  headerLine,
  readLine,
  rowLine,
  type UsageRow,
  usageVersion,
  versionOf,
} from './usage-lines.ts';

/** What is kept beyond the end of the process. */
interface KeptUsage {
  readonly minutes: readonly UsageRow[];
  readonly hours: readonly UsageRow[];
  /** The last that was written; null: none was. */
  readonly counted: CountedPrograms | null;
}

export interface UsageStorage {
  /** Never rejects: a file that cannot be used is as none. */
  read(): Promise<KeptUsage>;
  /** Adds rows of minutes. Never rejects. */
  append(minutes: readonly UsageRow[], counted: CountedPrograms): Promise<void>;
  /** Makes hours of minutes that are older than a day, and forgets old hours. `hour`: the one that goes on, since the Unix epoch. Never rejects. */
  compact(hour: number): Promise<void>;
}

/** How long minutes and hours are kept. */
export const minuteHours = 24;
export const hourDays = 40;

/** An hour of minutes of two hundred series has some 3 MB. A file that has grown larger gets no further rows. */
const bytesMax = 16 * 1024 * 1024;

/** Some hours of two hundred series. */
const unwrittenMax = 50_000;

const append = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

const minutesName = /^minutes-(\d{4}-\d\d-\d\dT\d\d)\.ndjson$/;
const hoursName = /^hours-(\d{4}-\d\d-\d\d)\.ndjson$/;

/**
 * Files in the folder `usage` of the state folder. During an upgrade two processes append; a line reaches the disk whole or is skipped.
 */
export class UsageFile implements UsageStorage {
  readonly #stateFolder: string;
  readonly #folder: string;
  /** Rows that could not be written: the disk was full, say. They are written with the next ones. */
  #unwritten: readonly UsageRow[] = [];
  /** One operation at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stateFolder: string) {
    this.#stateFolder = stateFolder;
    this.#folder = join(stateFolder, 'usage');
  }

  read(): Promise<KeptUsage> {
    return this.#inTurn(() => this.#read(), { minutes: [], hours: [], counted: null });
  }

  append(minutes: readonly UsageRow[], counted: CountedPrograms): Promise<void> {
    return this.#inTurn(() => this.#append(minutes, counted), undefined);
  }

  compact(hour: number): Promise<void> {
    return this.#inTurn(() => this.#compact(hour), undefined);
  }

  #inTurn<T>(task: () => Promise<T>, instead: T): Promise<T> {
    const done = this.#turn.then(task).catch(() => instead);
    this.#turn = done;
    return done;
  }

  async #read(): Promise<KeptUsage> {
    const [minutes, hours]: [UsageRow[], UsageRow[]] = [[], []];
    let counted: CountedPrograms | null = null;
    for (const name of await this.#names()) {
      const isHours = hoursName.test(name);
      if (!isHours && !minutesName.test(name)) continue;
      const content = await this.#content(name);
      for (const row of content.rows) (isHours ? hours : minutes).push(row);
      counted = content.counted ?? counted;
    }
    // A process has ended between making an hour and removing its minutes.
    const made = new Set(hours.map(({ at }) => at));
    return { minutes: minutes.filter(({ at }) => !made.has(Math.floor(at / 60))), hours, counted };
  }

  /** The oldest first. */
  async #names(): Promise<readonly string[]> {
    return (await readdir(this.#folder).catch(() => [])).toSorted((a, b) => (a < b ? -1 : 1));
  }

  /** A file of another version is renamed: that of the next minute does not mix with it. */
  async #content(
    name: string,
  ): Promise<{ readonly rows: readonly UsageRow[]; readonly counted: CountedPrograms | null }> {
    const path = join(this.#folder, name);
    // Requests are answered between two files.
    await lstat(path).catch(() => null);
    const found = readOwnFile(path, bytesMax);
    if (found.kind === 'none') return { rows: [], counted: null };
    const [header = '', ...lines] = found.kind === 'text' ? found.text.split('\n') : ['?'];
    // A full disk has cut the first line: those behind it are whole.
    const isCut = headerLine.startsWith(header);
    if (!isCut && versionOf(header) !== usageVersion) {
      // Where it cannot be renamed, it is not read all the same.
      await rename(path, `${path}.unusable`).catch(() => undefined);
      return { rows: [], counted: null };
    }
    const rows: UsageRow[] = [];
    let counted: CountedPrograms | null = null;
    for (const line of lines) {
      const read = readLine(line);
      if (read.kind === 'row') rows.push(read.row);
      else if (read.kind === 'counted') counted = read.counted;
    }
    return { rows, counted };
  }

  async #append(minutes: readonly UsageRow[], counted: CountedPrograms): Promise<void> {
    const wanted = [...this.#unwritten, ...minutes].slice(-unwrittenMax);
    this.#unwritten = wanted;
    if (makePrivateFolder(this.#stateFolder) !== null || makePrivateFolder(this.#folder) !== null) return;
    const byHour = Map.groupBy(wanted, ({ at }) => Math.floor(at / 60));
    const last = Math.max(...byHour.keys());
    for (const [hour, rows] of byHour) {
      await this.#appendTo(join(this.#folder, minutesFile(hour)), rows, hour === last ? [countedLine(counted)] : []);
      this.#unwritten = this.#unwritten.filter(({ at }) => Math.floor(at / 60) !== hour);
    }
  }

  async #appendTo(path: string, rows: readonly UsageRow[], more: readonly string[]): Promise<void> {
    const file = await open(path, append, 0o600);
    try {
      const { size } = await file.stat();
      if (size > bytesMax * 0.9) return;
      // The line feed before the first row ends a line that a full disk has cut.
      const text = `${[size === 0 ? headerLine : '', ...rows.map(rowLine), ...more].join('\n')}\n`;
      try {
        await file.writeFile(text);
      } catch (error) {
        // What it has of these rows would be counted twice when they are written again.
        if ((await file.stat()).size <= size + Buffer.byteLength(text)) await truncate(path, size);
        throw error;
      }
      // Where the disk fails now it may have them: twice would be worse than not at all.
      await file.datasync().catch(() => undefined);
    } finally {
      await file.close();
    }
  }

  async #compact(now: number): Promise<void> {
    const names = await this.#names();
    const oldest = now - hourDays * 24;
    for (const name of names) {
      const hour = hourOf(name);
      if (hoursName.test(name) && hour !== null && hour + 24 <= oldest)
        await rm(join(this.#folder, name), { force: true });
      if (!minutesName.test(name) || hour === null || hour >= now - minuteHours) continue;
      await this.#makeHour(hour, name);
    }
  }

  /** The file of the hours has it whole before that of the minutes goes: a process that ends in between does it again without counting twice. */
  async #makeHour(hour: number, name: string): Promise<void> {
    const { rows } = await this.#content(name);
    const path = hoursFile(hour);
    const kept = (await this.#content(path)).rows.filter(({ at }) => at !== hour);
    const all = [...kept, ...mergedRows(rows.map((row) => ({ ...row, at: hour })))];
    await writeWholeLater(join(this.#folder, path), `${[headerLine, ...all.map(rowLine)].join('\n')}\n`);
    await rm(join(this.#folder, name), { force: true });
  }
}

function minutesFile(hour: number): string {
  return `minutes-${new Date(hour * 3_600_000).toISOString().slice(0, 13)}.ndjson`;
}

function hoursFile(hour: number): string {
  return `hours-${new Date(hour * 3_600_000).toISOString().slice(0, 10)}.ndjson`;
}

/** The first hour of a file, since the Unix epoch; null: it is none of these. */
function hourOf(name: string): number | null {
  const minutes = minutesName.exec(name)?.[1];
  const time = minutes === undefined ? hoursName.exec(name)?.[1] : `${minutes}:00Z`;
  const at = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(at) ? null : at / 3_600_000;
}

/** One row for each series and time. */
function mergedRows(rows: readonly UsageRow[]): readonly UsageRow[] {
  const merged = new Map<string, UsageRow & { readonly amounts: Amounts }>();
  for (const { at, owner, amounts } of rows) {
    const key = `${at}\n${ownerKey(owner)}`;
    const known = merged.get(key) ?? { at, owner, amounts: noAmounts() };
    merged.set(key, known);
    addAmounts(known.amounts, amounts);
  }
  return [...merged.values()];
}
