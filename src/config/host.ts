import { access, constants, open, readdir, realpath, stat } from 'node:fs/promises';
import { availableParallelism, hostname, networkInterfaces } from 'node:os';

/** A file's content, or why it cannot be had: an errno (`EFBIG` where it has more than it may), or `namedPipe`. */
export type FileContent =
  | {
      readonly ok: true;
      readonly content: Uint8Array;
      /** Whether users other than its owner and its group may read it; absent: not known. */
      readonly isOpen?: boolean;
    }
  | { readonly ok: false; readonly why: string };

/** What loading a configuration needs of the machine. */
export interface ConfigurationHost {
  readonly hostname: string;
  /** That this process may use, by its affinity and its control group; absent: one. */
  readonly cores?: number;
  /** Every address of it, at this moment; absent: only loopback is known to be it. */
  readonly addresses?: readonly string[];
  readFile(path: string, bytesMax: number): Promise<FileContent>;
  /** The names in a folder; null where it cannot be looked into. */
  listDirectory(path: string): Promise<readonly string[] | null>;
  /** Null: this user may execute the file. Otherwise the errno. Absent: programs are not looked for. */
  whyNotExecutable?(path: string): Promise<string | null>;
}

/** No errno: the file is a named pipe, and opening it would wait until another process writes into it. */
export const namedPipe = 'named pipe';

/** This machine. */
export function thisHost(): ConfigurationHost {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));
  return {
    hostname: hostname(),
    cores: availableParallelism(),
    addresses,
    readFile: readAtMost,
    listDirectory,
    whyNotExecutable,
  };
}

async function readAtMost(path: string, bytesMax: number): Promise<FileContent> {
  try {
    if (await isNamedPipe(path)) return { ok: false, why: namedPipe };
    await using file = await open(path, 'r');
    // One byte more than allowed tells; a device or pipe without an end is not read for ever.
    const content = Buffer.alloc(bytesMax + 1);
    let filled = 0;
    for (;;) {
      const { bytesRead } = await file.read(content, filled, content.length - filled, null);
      filled += bytesRead;
      if (filled > bytesMax) return { ok: false, why: 'EFBIG' };
      if (bytesRead > 0) continue;
      return { ok: true, content: content.subarray(0, filled), isOpen: ((await file.stat()).mode & 0o004) !== 0 };
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return { ok: false, why: typeof code === 'string' ? code : 'EIO' };
  }
}

/** One without a name, which a shell makes for `<(…)` and calls /dev/fd/63, has somebody who writes. */
async function isNamedPipe(path: string): Promise<boolean> {
  const found = await stat(path);
  if (!found.isFIFO()) return false;
  const real = await realpath(path).catch(() => null);
  return real !== null && (await stat(real)).ino === found.ino;
}

async function listDirectory(path: string): Promise<readonly string[] | null> {
  try {
    return await readdir(path);
  } catch {
    // Only suggestions are made of it.
    return null;
  }
}

async function whyNotExecutable(path: string): Promise<string | null> {
  try {
    await access(path, constants.X_OK);
    // Folders have the same bit.
    return (await stat(path)).isDirectory() ? 'EISDIR' : null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
  }
}
