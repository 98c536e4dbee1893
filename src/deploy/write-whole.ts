import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';

/** Only for us: what applications print may stand in it. */
const mode = 0o600;

/** A file that was not there before. What lies at the name is none that a writer of ours has open: it is a rest, or a trap. */
const createNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Replaces a file: readers find the old content or the new one, also after a crash. Throws like `node:fs`. */
export function writeWhole(path: string, content: string): void {
  const beside = `${path}.new`;
  writeSynced(beside, content);
  renameSync(beside, path);
}

/** The same without waiting for the disk: resolves when it has the file. */
export async function writeWholeLater(path: string, content: string): Promise<void> {
  const beside = `${path}.new`;
  await rm(beside, { force: true });
  const file = await open(beside, createNew, mode);
  try {
    await file.writeFile(content);
    await file.sync();
    await file.close();
    await rename(beside, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(beside, { force: true });
    throw error;
  }
}

/** Writes a file that is new, whatever lay there, and returns when the disk has it; of one that the disk has no room for nothing is left. No link is followed. */
export function writeSynced(path: string, content: string): void {
  rmSync(path, { force: true });
  const descriptor = openSync(path, createNew, mode);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}
