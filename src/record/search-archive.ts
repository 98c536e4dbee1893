import { createReadStream } from 'node:fs';
import { ByteDecoder, type LogEnd } from './byte-decoder.ts';
import { lineAround, type LineSearch } from './line-search.ts';
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
