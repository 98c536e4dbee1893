import { read } from 'node:fs';
import type { FileContent } from '../config/host.ts';

/** How a command line names standard input in place of a file. */
export const inputName = '-';

/** Reads standard input to its end. Throws `EFBIG` if it has more than `bytesMax`. */
export async function readInput(bytesMax: number): Promise<FileContent> {
  const content = Buffer.alloc(bytesMax + 1);
  let filled = 0;
  for (;;) {
    const next = await readSome(content, filled);
    if (typeof next === 'string') return { ok: false, why: next };
    filled += next;
    if (filled > bytesMax) return { ok: false, why: 'EFBIG' };
    if (next === 0) return { ok: true, content: content.subarray(0, filled) };
  }
}

/** Returns the number of bytes read, 0 at the end, or the errno. */
function readSome(content: Buffer, filled: number): Promise<number | string> {
  return new Promise((resolve) => {
    read(0, content, filled, content.length - filled, null, (error, bytes) =>
      resolve(error === null ? bytes : (error.code ?? 'EIO')),
    );
  });
}
