import type { LogOutput } from './log-output.ts';

/** What became of octets that were to be copied. */
export interface Copied {
  readonly octets: number;
  /** Whole lines that could not be written, and why. */
  readonly linesLost: number;
  readonly errno: string | null;
}

export const nothingCopied: Copied = { octets: 0, linesLost: 0, errno: null };

/** Copies whole lines to an output; what comes behind the last of them is left out. Where writing fails the rest is counted. */
export async function copyLines(source: AsyncIterable<Uint8Array>, output: LogOutput): Promise<Copied> {
  let held: Uint8Array = new Uint8Array(0);
  let [octets, linesLost] = [0, 0];
  let errno: string | null = null;
  try {
    for await (const piece of source) {
      held = held.length === 0 ? piece : Buffer.concat([held, piece]);
      const end = held.lastIndexOf(lineFeed) + 1;
      const lines = held.subarray(0, end);
      held = held.slice(end);
      const written: Written = errno === null ? await writeAll(lines, output) : { octets: 0, errno };
      octets += written.octets;
      errno = written.errno;
      linesLost += countLines(lines, written.octets);
    }
  } catch {
    // What cannot be read any more cannot be counted either.
    errno ??= 'EIO';
  }
  return { octets, linesLost, errno };
}

interface Written {
  readonly octets: number;
  readonly errno: string | null;
}

async function writeAll(lines: Uint8Array, output: LogOutput): Promise<Written> {
  let at = 0;
  while (at < lines.length) {
    const written = await output.write(lines, at);
    if (!written.ok) return { octets: at, errno: written.failure };
    at += written.value;
  }
  return { octets: at, errno: null };
}

const lineFeed = 0x0a;

/** How many lines end from `from` on, and before `to`. */
export function countLines(octets: Uint8Array, from: number, to: number = octets.length): number {
  let lines = 0;
  for (let at = octets.indexOf(lineFeed, from); at !== -1 && at < to; at = octets.indexOf(lineFeed, at + 1)) lines += 1;
  return lines;
}
