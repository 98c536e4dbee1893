import { stat, type FileHandle, open } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { problemOf, ByteDecoder, type LogEnd } from './byte-decoder.ts';
import { textStartOf } from './byte-kind.ts';
import { type LineSearch, lineAround, occurrencesBackwards, archiveSuffix } from './log-slice.ts';
import { errnoOf } from './log-output.ts';
import { IdSearch } from './parse-record.ts';
import { ProcessHeaderSearch, withProcess } from './process-header.ts';
import { lineBytesMax } from './limits.ts';
import { lineFeed } from './line-feed.ts';

interface ArchiveSearch<T> {
  readonly record: T | null;
  readonly end: LogEnd;
}

/** Lines that match are kept up to this many bytes, the newest ones. An id has a few lines at most. */
const matchBytesMax = 4 * 1024 * 1024;

const readBytes = 256 * 1024;

/**
 * Searches a compressed log from its beginning, since it can be read in no other direction. The newest match wins. What is
 * readable of a truncated or damaged file is searched. Uses a few megabytes of memory for any file size. Throws errors of the file system.
 */
export async function searchArchive<T>(path: string, search: LineSearch<T>): Promise<ArchiveSearch<T>> {
  const matches = new MatchingLines(search.needle);
  const decoder = new ByteDecoder((bytes) => {
    matches.push(bytes);
    return null;
  });
  for await (const bytes of createReadStream(path, { highWaterMark: readBytes })) {
    await decoder.push(bytes as Buffer);
    if (decoder.ended !== null) break;
  }
  const end = await decoder.end();
  for (const line of matches.newestFirst()) {
    const record = search.read(line);
    if (record !== null) return { record, end };
  }
  return { record: null, end };
}

/** The lines of a stream that have some bytes. */
class MatchingLines {
  readonly #needle: Buffer;
  /** The line whose end has not come yet; null while a line is skipped that is longer than any record. */
  #partial: Buffer | null = Buffer.alloc(0);
  #lines: string[] = [];
  #bytes = 0;

  constructor(needle: Buffer) {
    this.#needle = needle;
  }

  push(bytes: Uint8Array): void {
    const next = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lastEnd = next.lastIndexOf(lineFeed) + 1;
    if (lastEnd === 0) return this.#continueLine(next);
    const first = this.#partial === null ? next.indexOf(lineFeed) + 1 : 0;
    const whole = next.subarray(first, lastEnd);
    this.#find(this.#partial === null || this.#partial.length === 0 ? whole : Buffer.concat([this.#partial, whole]));
    this.#partial = Buffer.from(next.subarray(lastEnd));
  }

  /** The last line counts without a line end too, if it is complete. */
  *newestFirst(): Generator<string> {
    if (this.#partial !== null) this.#find(this.#partial);
    this.#partial = null;
    yield* this.#lines.toReversed();
  }

  #continueLine(bytes: Buffer): void {
    if (this.#partial === null) return;
    const isTooLong = this.#partial.length + bytes.length > lineBytesMax;
    this.#partial = isTooLong ? null : Buffer.concat([this.#partial, bytes]);
  }

  #find(lines: Buffer): void {
    for (let at = lines.indexOf(this.#needle); at !== -1; ) {
      this.#keep(lineAround(lines, at));
      const end = lines.indexOf(lineFeed, at);
      at = end === -1 ? -1 : lines.indexOf(this.#needle, end);
    }
  }

  #keep(line: string): void {
    this.#lines.push(line);
    this.#bytes += line.length;
    while (this.#bytes > matchBytesMax && this.#lines.length > 1) this.#bytes -= this.#lines.shift()?.length ?? 0;
  }
}

const stepBytes = 64 * 1024;

/**
 * Searches an uncompressed log from its end backwards. Null if it has no match. Throws errors of the file system. Uses some 64 KiB of
 * memory for any file size. Incomplete lines and lines of other programs are skipped.
 *
 * Measured: a gigabyte without the exchange takes some three seconds, of which this thread works one, in steps
 * of some 50 µs.
 */
async function searchLogFile<T>(path: string, search: LineSearch<T>): Promise<T | null> {
  const file = await open(path, 'r');
  try {
    const facts = await file.stat();
    return facts.isFile() ? await searchParts(file, facts.size, search) : null;
  } finally {
    await file.close();
  }
}

async function searchParts<T>(file: FileHandle, size: number, search: LineSearch<T>): Promise<T | null> {
  const { needle } = search;
  // The needle may span two steps, so each step also reads the beginning of the following one.
  const buffer = Buffer.allocUnsafe(stepBytes + needle.length - 1);
  for (let end = size; end > 0; end -= stepBytes) {
    const start = Math.max(0, end - stepBytes);
    const part = await readPart(file, buffer, start, Math.min(size, end + needle.length - 1));
    for (const at of occurrencesBackwards(part, needle)) {
      const record = search.read(await lineAt(file, start + at));
      if (record !== null) return record;
    }
  }
  return null;
}

/** The line with the byte at `position`, at most as long as the longest record. */
async function lineAt(file: FileHandle, position: number): Promise<string> {
  // In records the id is near the beginning, so one small read is usually enough.
  for (const reach of [4096, lineBytesMax]) {
    const start = Math.max(0, position - reach);
    const part = await readPart(file, Buffer.allocUnsafe(position - start + reach), start, position + reach);
    const at = position - start;
    const isWhole = (start === 0 || part.lastIndexOf(lineFeed, at) !== -1) && part.indexOf(lineFeed, at) !== -1;
    if (isWhole || reach === lineBytesMax) return lineAround(part, at);
  }
  return '';
}

/** Bytes [start, end) of the file; fewer if it ends earlier. */
async function readPart(file: FileHandle, buffer: Buffer, start: number, end: number): Promise<Buffer> {
  let length = 0;
  while (length < end - start) {
    const { bytesRead } = await file.read(buffer, length, end - start - length, start + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

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
