import { chmodSync, chownSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { isIn } from './main-sandbox.ts';
import type { KnownUser } from './users.ts';

/** Of the state folder and the folders of releases in it, which belong to the gateway alone: the user may pass them, and list none. */
export function openWay(user: KnownUser, stateFolder: string, to: string): void {
  const way: string[] = [];
  for (let at = dirname(to); isIn(at, stateFolder); at = dirname(at)) way.push(at);
  for (const path of way) {
    try {
      const isShared = path === stateFolder || dirname(path) === stateFolder;
      if (!isShared) chownSync(path, -1, user.gid);
      chmodSync(path, isShared ? 0o711 : 0o710);
    } catch {
      // The look at the whole way says which folder stays closed.
    }
  }
}

export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
