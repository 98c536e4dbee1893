import { stat } from 'node:fs/promises';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { problemOf } from './byte-decoder.ts';
import { textStartOf } from './byte-kind.ts';
import type { LineSearch } from './line-search.ts';
import { errnoOf } from './log-output.ts';
import { archiveSuffix } from './log-slice.ts';
import { IdSearch } from './parse-record.ts';
import { ProcessHeaderSearch, withProcess } from './process-header.ts';
import { searchArchive } from './search-archive.ts';
import { searchLogFile } from './search-backwards.ts';

interface FileSearch<T = ExchangeRecord> {
  readonly record: T | null;
  /** Why the file was not searched to its end, as the end of a sentence; null if it was. */
  readonly problem: string | null;
  /** Why it could not be read; null if it could. */
  readonly errno: string | null;
}

/**
 * Searches exchange `id` in a log file, then in the one before the last rotation (`path.1`, also compressed). Null if
 * neither has it, or neither can be read.
 */
export async function searchLog(path: string, id: string): Promise<ExchangeRecord | null> {
  const search = new IdSearch(id);
  for (const suffix of ['', '.1', `.1${archiveSuffix.zstd}`, `.1${archiveSuffix.gzip}`]) {
    const { record } = await searchFile(`${path}${suffix}`, search);
    if (record !== null) return record;
  }
  return null;
}

/**
 * Searches one file, and then the header line of the process that served the exchange: the last one with its key, because the
 * constants of a process hardly ever change.
 */
export async function searchFile(path: string, search: LineSearch<ExchangeRecord>): Promise<FileSearch> {
  const found = await searchLines(path, search);
  const { record } = found;
  if (record === null || record.process === null || record.member !== null) return found;
  const header = await searchLines(path, new ProcessHeaderSearch(record.process));
  return { ...found, record: withProcess(record, header.record) };
}

/** Its first bytes decide how a file is read, not its name. */
async function searchLines<T>(path: string, search: LineSearch<T>): Promise<FileSearch<T>> {
  try {
    // Reading the pipe of a log would take lines from its reader.
    if (!(await stat(path)).isFile()) return { record: null, problem: null, errno: null };
    const isText = (await textStartOf(path)) !== null;
    if (isText) return { record: await searchLogFile(path, search), problem: null, errno: null };
    const { record, end } = await searchArchive(path, search);
    return { record, problem: problemOf(end), errno: null };
  } catch (error) {
    return { record: null, problem: null, errno: errnoOf(error) };
  }
}
