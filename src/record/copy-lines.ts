import type { LogOutput } from './log-output.ts';
import { lineFeed } from './line-feed.ts';

/** The result of a copy. */
export interface CopyResult {
  readonly bytes: number;
  /** Whole lines that could not be written, and why. */
  readonly linesLost: number;
  readonly errno: string | null;
}

export const nothingCopied: CopyResult = { bytes: 0, linesLost: 0, errno: null };

/**
 * Copies whole lines to an output, without an incomplete last line. If writing fails, the remaining lines are counted as lost.
 * `endsMidLine`: the output's last line is incomplete, and is ended first.
 */
export async function copyLines(
  source: AsyncIterable<Uint8Array>,
  output: LogOutput,
  endsMidLine: boolean,
): Promise<CopyResult> {
  let held: Uint8Array = new Uint8Array(0);
  let [bytes, linesLost] = [0, 0];
  let { errno } = endsMidLine ? await writeAll(Uint8Array.of(lineFeed), output) : nothingCopied;
  try {
    for await (const slice of source) {
      held = held.length === 0 ? slice : Buffer.concat([held, slice]);
      const end = held.lastIndexOf(lineFeed) + 1;
      const lines = held.subarray(0, end);
      held = held.slice(end);
      const written: WriteResult = errno === null ? await writeAll(lines, output) : { bytes: 0, errno };
      bytes += written.bytes;
      errno = written.errno;
      linesLost += countLines(lines, written.bytes);
    }
  } catch {
    // Lines that cannot be read cannot be counted.
    errno ??= 'EIO';
  }
  return { bytes, linesLost, errno };
}

interface WriteResult {
  readonly bytes: number;
  readonly errno: string | null;
}

async function writeAll(lines: Uint8Array, output: LogOutput): Promise<WriteResult> {
  let at = 0;
  while (at < lines.length) {
    const written = await output.write(lines, at);
    if (!written.ok) return { bytes: at, errno: written.failure };
    at += written.value;
  }
  return { bytes: at, errno: null };
}

/** How many lines end at `from` or later, and before `to`. */
export function countLines(bytes: Uint8Array, from: number, to: number = bytes.length): number {
  let lines = 0;
  for (let at = bytes.indexOf(lineFeed, from); at !== -1 && at < to; at = bytes.indexOf(lineFeed, at + 1)) lines += 1;
  return lines;
}
