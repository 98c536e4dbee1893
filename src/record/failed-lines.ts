import { lineFeed } from './line-feed.ts';

/** Lines of successes have neither key. Quotes within a text of a line are escaped, so that no request can imitate a key. */
const signs = [Buffer.from('"shape":"'), Buffer.from('"cause":"')];
/**
 * Of whole lines of the log, those of exchanges that did not simply succeed: whose shape is not 'none', or that needed more
 * than one attempt. A copy. Searches bytes, and parses nothing.
 */
export function failedLines(bytes: Buffer): Uint8Array {
  const ranges = failedRanges(bytes);
  return Buffer.concat(
    ranges.flatMap((start, index) => (index % 2 === 0 ? [bytes.subarray(start, ranges[index + 1])] : [])),
  );
}

/** The same lines by their offsets: start, end, start, end, … An end is behind the LF. */
export function failedRanges(bytes: Buffer): readonly number[] {
  const next = signs.map((sign) => bytes.indexOf(sign));
  const ranges: number[] = [];
  for (;;) {
    const found = next.filter((at) => at !== -1);
    if (found.length === 0) return ranges;
    const at = Math.min(...found);
    const end = bytes.indexOf(lineFeed, at) + 1;
    ranges.push(bytes.lastIndexOf(lineFeed, at) + 1, end);
    signs.forEach((sign, index) => {
      const last = next[index] as number;
      if (last !== -1 && last < end) next[index] = bytes.indexOf(sign, end);
    });
  }
}
