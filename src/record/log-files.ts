import { lstat, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { isCombinedLine } from './combined-format.ts';
import { realLogPath } from './rotated-files.ts';
import { lineBytesMax } from './limits.ts';
import type { LineSearch } from './log-slice.ts';
import { PrefixSearch, IdSearch } from './parse-record.ts';
import { searchFile } from './search-log.ts';

/** A file in which an exchange was searched. Times are RFC 3339; null if no line has one. */
export interface SearchedFile {
  readonly path: string;
  readonly bytes: number;
  /** Time of its first line; null for a compressed file, which was searched as well. */
  readonly from: string | null;
  /** When it was last written. */
  readonly until: string;
  /** Why it could not be read; null if it could. */
  readonly errno: string | null;
  /** Its lines have no ids, as its first line shows. */
  readonly isCombined: boolean;
  /** Why it was not searched to its end, as the end of a sentence; null if it was. */
  readonly problem: string | null;
}

interface LogSearch {
  readonly record: ExchangeRecord | null;
  /** Newest first; the file with the record is last. Empty if there is no such file. */
  readonly searched: readonly SearchedFile[];
}

/**
 * Searches exchange `id` in a log and its rotated files: `path.1`, `path-20260101`, each also with
 * `.zst` or `.gz`, newest first. Reads one file at a time; a compressed one is read from its beginning.
 */
export function searchLogFiles(path: string, id: string): Promise<LogSearch> {
  return searchAll(path, new IdSearch(id));
}

/** Exchanges whose id has this prefix, newest first, up to a limit. */
export async function searchLogFilesForPrefix(path: string, beginning: string): Promise<readonly ExchangeRecord[]> {
  const search = new PrefixSearch(beginning);
  await searchAll(path, search);
  return search.found;
}

async function searchAll(path: string, search: LineSearch<ExchangeRecord>): Promise<LogSearch> {
  // A file that is rotated or compressed meanwhile has another name then.
  for (let attempt = 1; ; attempt++) {
    const { hasVanished, ...found } = await searchOnce(path, search);
    if (!hasVanished || found.record !== null || attempt === attemptsMax) return found;
  }
}

const attemptsMax = 3;

async function searchOnce(
  path: string,
  search: LineSearch<ExchangeRecord>,
): Promise<LogSearch & { readonly hasVanished: boolean }> {
  const searched: SearchedFile[] = [];
  let hasVanished = false;
  for (const file of await logFilesOf(path)) {
    const facts = await factsOf(file);
    if (facts === null) hasVanished ||= file !== path;
    if (facts === null) continue;
    if (facts.errno !== null) {
      searched.push(facts);
      continue;
    }
    const { record, problem, errno } = await searchFile(file, search);
    hasVanished ||= errno === 'ENOENT';
    searched.push({ ...facts, problem, errno });
    if (record !== null) return { record, searched, hasVanished };
  }
  return { record: null, searched, hasVanished };
}

/** The log and its rotated files, by the names that logrotate and similar tools use, newest first. */
async function logFilesOf(path: string): Promise<string[]> {
  const real = await realLogPath(path);
  const [name, folder] = [basename(real), dirname(real)];
  const names = await readdir(folder).catch((): string[] => []);
  const rotated = names.filter((other) => other.startsWith(name) && rotatedSuffix.test(other.slice(name.length)));
  const dated = await Promise.all(
    rotated.map(async (other) => ({
      file: join(folder, other),
      at: await writtenAt(join(folder, other)),
    })),
  );
  const files = dated.flatMap(({ file, at }) => (at === null ? [] : [{ file, at }]));
  return [path, ...files.sort((a, b) => b.at - a.at).map(({ file }) => file)];
}

/** Candor says of those that it cannot read how to unpack them. */
const rotatedSuffix = /^(?:\.\d{1,9}|-\d{8}(?:-\d+)?)(?:\.(?:gz|zst|xz|bz2|lz4))?$/;

/**
 * Null for a link, a folder or a pipe: rotation creates none of them, and reading a pipe may never end. 0 for a file that
 * has vanished meanwhile.
 */
async function writtenAt(file: string): Promise<number | null> {
  const found = await lstat(file).catch(() => null);
  if (found === null) return 0;
  return found.isFile() ? found.mtimeMs : null;
}

/** Null if there is no such regular file. */
async function factsOf(path: string): Promise<SearchedFile | null> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return null;
    const { size: bytes, mtime } = found;
    const first = await firstLineOf(path);
    const isCombined = isCombinedLine(first);
    return { path, bytes, from: atOf(first), until: mtime.toISOString(), errno: null, isCombined, problem: null };
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? '';
    return errno === 'ENOENT'
      ? null
      : { path, bytes: 0, from: null, until: '', errno, isCombined: false, problem: null };
  }
}

async function firstLineOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(lineBytesMax);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead).split('\n', 1)[0] ?? '';
  } finally {
    await file.close();
  }
}

function atOf(line: string): string | null {
  try {
    const { at } = JSON.parse(line) as { at?: unknown };
    return typeof at === 'string' ? at : null;
  } catch {
    return null;
  }
}
