import { lineFeed } from './line-feed.ts';

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
