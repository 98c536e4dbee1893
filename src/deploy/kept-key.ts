import { linkSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../core/random.ts';
import { makePrivateFolder } from './private-folder.ts';
import { readOwnFile, writeSynced } from './own-file.ts';

const keyBytes = 32;
const fileBytesMax = 1024;

/**
 * A random key of 256 bits that outlives restarts and upgrades in a file of the state folder, mode 0600, which is created if it is missing. Without a folder that can
 * be used, or if the file has no key, the key is one of this process. Of two processes that create it at the same time, the second takes that of the first.
 */
export function keptKey(folder: string | null, fileName: string, random: Random): string {
  const fresh = createKey(random);
  if (folder === null) return fresh;
  const path = join(folder, fileName);
  try {
    if (makePrivateFolder(folder) !== null) return fresh;
    const key = readKey(path) ?? create(path, fresh);
    removeLeftovers(folder, fileName);
    return key;
  } catch {
    return fresh;
  }
}

function createKey(random: Random): string {
  const key = new Uint8Array(keyBytes);
  random.fill(key);
  return Buffer.from(key).toString('base64url');
}

function create(path: string, key: string): string {
  const beside = `${path}.${process.pid}`;
  writeSynced(beside, `${key}\n`);
  try {
    linkSync(beside, path);
    return key;
  } catch {
    return readKey(path) ?? key;
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Of a process that was killed while it created the key. Another one that creates it now finds ours. */
function removeLeftovers(folder: string, fileName: string): void {
  const isLeftover = (name: string): boolean =>
    name.startsWith(`${fileName}.`) && /^\d+$/.test(name.slice(fileName.length + 1));
  for (const name of readdirSync(folder)) if (isLeftover(name)) rmSync(join(folder, name), { force: true });
}

/** Null if there is no file. What is no key stays where it is, and is not used. */
function readKey(path: string): string | null {
  const found = readOwnFile(path, fileBytesMax);
  if (found.kind === 'none') return null;
  const key = found.kind === 'text' ? found.text.trim() : '';
  if (!/^[\w-]{43}$/.test(key)) throw new Error(`${path} has no key`);
  return key;
}
