import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isThere, nearestThere } from './nearest-there.ts';

/**
 * Creates a folder and the missing ones above it, for us alone. Throws like `mkdirSync`. The option `recursive` of that does not return
 * where the kernel answers ENOENT within a folder that is there, as it does in /proc.
 */
export function makeFolders(path: string): void {
  const missing: string[] = [];
  const there = nearestThere(path);
  for (let at = path; at !== there; at = dirname(at)) missing.push(at);
  for (const folder of missing.toReversed()) makeFolder(folder);
  if (!statSync(path).isDirectory()) throw Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR' });
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it in the meantime.
    if (!isThere(path)) throw error;
  }
}
