import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';

/** Only for us: what applications print may stand in it. */
const mode = 0o600;

/** Replaces a file: whoever reads it, now or after a crash, finds the old content or the new. Throws like `node:fs`. */
export function writeWhole(path: string, content: string): void {
  const beside = `${path}.new`;
  writeSynced(beside, content);
  renameSync(beside, path);
}

/** The same without waiting for the disk: resolves when it has the file. */
export async function writeWholeLater(path: string, content: string): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}

/** Writes a file, and returns when the disk has it. */
export function writeSynced(path: string, content: string): void {
  const descriptor = openSync(path, 'w', mode);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
