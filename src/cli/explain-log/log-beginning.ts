import { open } from 'node:fs/promises';
import { ByteDecoder } from '../../record/byte-decoder.ts';
import type { LogSource } from './log-source.ts';

/** Enough lines to see how a log writes its times. */
const beginningBytes = 128 * 1024;

/** The first lines of a file, unpacked. Empty for a pipe, which can be read only once, and for a file that cannot be read. */
export async function beginningOf({ path, bytes }: LogSource): Promise<string> {
  if (path === null || bytes === null) return '';
  const parts: Uint8Array[] = [];
  try {
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(Math.min(beginningBytes, bytes));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      const decoder = new ByteDecoder((part) => {
        parts.push(Uint8Array.from(part));
        return null;
      });
      await decoder.push(buffer.subarray(0, bytesRead));
      await decoder.end();
    } finally {
      await file.close();
    }
  } catch {
    // Reading it says why.
  }
  return Buffer.concat(parts).subarray(0, beginningBytes).toString('latin1');
}
