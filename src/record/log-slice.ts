import type { LogSpec } from '../core/configuration.ts';
import { lineFeed } from './line-feed.ts';

/** A format in which a rotated file can be compressed. */
export type LogArchive = Exclude<LogSpec['compression'], 'none'>;

/** The end of the name of a compressed file. */
export const archiveSuffix: Readonly<Record<LogArchive, string>> = { zstd: '.zst', gzip: '.gz' };

/**
 * How many bytes of a log are compressed at once, without a pause. It bounds how long the thread does nothing else.
 *
 * Measured with `npm run bench:compress`, 100 MiB of records with random ids, in CPU time of the thread on a quiet machine. Level 1
 * of zstd is both the cheapest and the smallest.
 *
 * | format and level | whole | in slices of 512 KiB |
 * | --- | --- | --- |
 * | gzip 1 | 444 ms, 17.4 MiB | 458 ms, 17.4 MiB |
 * | zstd 1 | 140 ms, 14.7 MiB | 164 ms, 14.7 MiB |
 * | zstd 2 | 195 ms, 15.4 MiB | 200 ms, 15.2 MiB |
 * | zstd 3 | 404 ms, 16.0 MiB | 235 ms, 15.6 MiB |
 *
 * With rests in between, files and all, the whole process took 381 ms of CPU with zstd, in 6.4 s; 473 ms with slices of 256 KiB, because
 * the caches are cold after each rest. With gzip it took 704 ms, in 13 s.
 */
export const sliceBytes = 512 * 1024;

/** Compresses one slice into an independent frame of zstd or member of gzip. Frames behind each other are one valid file. */
export function compressSlice(slice: Uint8Array, archive: LogArchive, level = 1): Buffer {
  const zlib = process.getBuiltinModule('node:zlib');
  if (archive === 'gzip') return zlib.gzipSync(slice, { level });
  return zlib.zstdCompressSync(slice, {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: level, [zlib.constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/** The format that this Node can write: a Node that was built without zstd writes gzip. */
export function writableArchive(wanted: LogArchive): LogArchive {
  return wanted === 'zstd' && !('zstdCompressSync' in process.getBuiltinModule('node:zlib')) ? 'gzip' : wanted;
}

/** How many of the bytes belong to the next slice: whole lines, unless one line fills the slice. */
export function endOfSlice(bytes: Uint8Array): number {
  const end = bytes.lastIndexOf(lineFeed) + 1;
  return end === 0 ? bytes.length : end;
}

/** Searches for bytes first, and reads only the lines that have them. */
export interface LineSearch<T> {
  readonly needle: Buffer;
  /** Null if this line does not match. */
  read(line: string): T | null;
}

/** The result of the search in the newest line that has its needle and that `read` accepts. */
export function searchBackwards<T>(bytes: Buffer, search: LineSearch<T>): T | null {
  for (const at of occurrencesBackwards(bytes, search.needle)) {
    const found = search.read(lineAround(bytes, at));
    if (found !== null) return found;
  }
  return null;
}

/** Where the needle stands, from the last place to the first. */
export function* occurrencesBackwards(bytes: Buffer, needle: Buffer): Generator<number> {
  for (let at = bytes.lastIndexOf(needle); at !== -1; at = at === 0 ? -1 : bytes.lastIndexOf(needle, at - 1)) yield at;
}

/** The line of `bytes` that holds the byte at `at`, without its LF. */
export function lineAround(bytes: Buffer, at: number): string {
  const start = at === 0 ? 0 : bytes.lastIndexOf(lineFeed, at - 1) + 1;
  const end = bytes.indexOf(lineFeed, at);
  return bytes.toString('utf8', start, end === -1 ? bytes.length : end);
}
