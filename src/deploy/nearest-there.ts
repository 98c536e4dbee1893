import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';

/** The path itself, or the nearest name above it that is there. */
export function nearestThere(path: string): string {
  let at = path;
  while (dirname(at) !== at && !isThere(at)) at = dirname(at);
  return at;
}

/** Whether this user can see that a name is there, whatever it leads to. Nothing can be below a name that is a file. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
