import { closeSync, openSync } from 'node:fs';
import * as sqlite from 'node:sqlite';
import type { StoreFault } from '../core/store-fault.ts';

/** A value of a column. */
export type Value = number | string | Uint8Array | null;

/** A prepared statement. */
export interface Statement {
  run(...values: Value[]): void;
  get(...values: Value[]): readonly Value[] | undefined;
  /** Rows one by one: a caller may stop before the last. */
  each(...values: Value[]): IterableIterator<readonly Value[]>;
}

/** What the store needs of SQLite. `node:sqlite` is not stable yet, so that only this file knows it. */
export interface Database {
  execute(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** Later versions of Node have it as `Database`. */
const Driver = (sqlite as { Database?: typeof sqlite.DatabaseSync }).Database ?? sqlite.DatabaseSync;

/** Opens or creates a file. Throws what SQLite throws: see `storeFault`. */
export function openDatabase(path: string, { readOnly = false } = {}): Database {
  const driver = driverOf(path, readOnly);
  return {
    execute: (sql) => driver.exec(sql),
    prepare: (sql) => new PreparedStatement(driver.prepare(sql)),
    close: () => driver.close(),
  };
}

function driverOf(path: string, readOnly: boolean): sqlite.DatabaseSync {
  try {
    return new Driver(path, { readOnly, allowExtension: false, timeout: 250 });
  } catch (error) {
    throw withErrno(error);
  }
}

class PreparedStatement implements Statement {
  readonly #statement: sqlite.StatementSync;

  constructor(statement: sqlite.StatementSync) {
    statement.setReturnArrays(true);
    this.#statement = statement;
  }

  run(...values: Value[]): void {
    this.#statement.run(...values);
  }

  get(...values: Value[]): readonly Value[] | undefined {
    return this.#statement.get(...values) as unknown as Value[] | undefined;
  }

  each(...values: Value[]): IterableIterator<readonly Value[]> {
    return this.#statement.iterate(...values) as unknown as IterableIterator<readonly Value[]>;
  }
}

/** By SQLite's primary result code (https://sqlite.org/rescode.html), which is the low byte of `errcode`. */
const faults: Readonly<Record<number, StoreFault>> = {
  5: 'locked',
  6: 'locked',
  3: 'not_permitted',
  8: 'not_permitted',
  14: 'not_permitted',
  23: 'not_permitted',
  10: 'io',
  11: 'corrupt',
  26: 'corrupt',
  13: 'full',
};

const errnoFaults: Readonly<Record<string, StoreFault>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EACCES: 'not_permitted',
  EPERM: 'not_permitted',
  EROFS: 'not_permitted',
  ENOENT: 'not_permitted',
  ENOTDIR: 'not_permitted',
  EEXIST: 'not_permitted',
  EIO: 'io',
  EMFILE: 'descriptors_exhausted',
  ENFILE: 'descriptors_exhausted',
};

/** SQLite opens a file, its WAL and the index of that. */
const descriptorsNeeded = 4;

/** SQLITE_CANTOPEN: SQLite says no more. It is called before files are closed, which makes descriptors free. */
export function withErrno(error: unknown): unknown {
  const { errcode } = (error ?? {}) as { errcode?: unknown };
  return typeof errcode === 'number' && (errcode & 0xff) === 14 ? (descriptorError() ?? error) : error;
}

/** The error of a process that may open no more files; null if it may. */
function descriptorError(): unknown {
  const opened: number[] = [];
  try {
    while (opened.length < descriptorsNeeded) opened.push(openSync('/dev/null', 'r'));
  } catch (error) {
    return error;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
  return null;
}

/** SQLITE_CONSTRAINT: another process has given the same number to a row meanwhile. */
export function isConflict(error: unknown): boolean {
  const { errcode } = (error ?? {}) as { errcode?: unknown };
  return typeof errcode === 'number' && (errcode & 0xff) === 19;
}

/** The fault behind an error of SQLite or of the file system. */
export function storeFault(error: unknown): StoreFault {
  const { errcode, code } = (error ?? {}) as { errcode?: unknown; code?: unknown };
  if (typeof errcode === 'number') return faults[errcode & 0xff] ?? 'other';
  return typeof code === 'string' ? (errnoFaults[code] ?? 'other') : 'other';
}
