import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isThere, nearestThere } from './nearest-there.ts';

/**
 * Creates a folder and the missing ones above it, for us alone. Returns those that it has made, the outermost first. Throws like `mkdirSync`. The option `recursive` of that does not return
 * where the kernel answers ENOENT within a folder that is there, as it does in /proc.
 */
export function makeFolders(path: string): readonly string[] {
  const missing: string[] = [];
  const there = nearestThere(path);
  for (let at = path; at !== there; at = dirname(at)) missing.push(at);
  const made = missing.toReversed().filter((folder) => makeFolder(folder));
  if (!statSync(path).isDirectory()) throw Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR' });
  return made;
}

function makeFolder(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    // Another process may have made it in the meantime.
    if (!isThere(path)) throw error;
    return false;
  }
}
