import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isThere, nearestThere } from './private-folder.ts';

/** What stands in the way of writing. */
export interface WriteObstacle {
  /** The file or folder that is there and does not allow it. */
  readonly path: string;
  readonly errno: string;
}

/** Whether this user could write a file, or make it and the folders on its way. Changes nothing. Null: yes. */
export function findFileObstacle(path: string): WriteObstacle | null {
  if (!isThere(path)) return findFolderObstacle(dirname(path));
  return obstacleOf(path, () => {
    accessSync(path, constants.W_OK);
    if (statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
  });
}

/** The folder on the way to a file that would have to be there first, because only the last folder is made; null if none is missing. */
export function findMissingFolder(path: string): string | null {
  const parent = dirname(dirname(path));
  return nearestThere(parent) === parent ? null : parent;
}

/** Whether this user could write in a folder, or make it. Changes nothing. Null: yes. */
export function findFolderObstacle(path: string): WriteObstacle | null {
  const there = nearestThere(path);
  return obstacleOf(there, () => {
    if (!statSync(there).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    accessSync(there, constants.W_OK | constants.X_OK);
  });
}

/** Calls `write`, which is to write. Null: it could. */
export function findWriteObstacle(path: string, write: () => void): WriteObstacle | null {
  return obstacleOf(path, write);
}

function obstacleOf(path: string, act: () => void): WriteObstacle | null {
  try {
    act();
    return null;
  } catch (error) {
    return { path, errno: (error as NodeJS.ErrnoException).code ?? 'EIO' };
  }
}
