import { accessSync, constants, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { findUntrusted } from '../deploy/trusted-folder.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where admin sockets lie, best first: what systemd gives a service (`RuntimeDirectory=`), what it gives a
 * person, and a folder of our own elsewhere.
 */
export function runtimeFolders(env: Environment): string[] {
  const service = env['RUNTIME_DIRECTORY']?.split(':')[0] ?? '';
  const user = env['XDG_RUNTIME_DIR'] ?? '';
  const folders = [
    isAbsolute(service) ? service : null,
    isAbsolute(user) ? join(user, 'candor') : null,
    join(env['TMPDIR'] ?? tmpdir(), `candor-${userInfo().uid}`),
  ];
  return folders.filter((folder) => folder !== null);
}

/** The first runtime folder that nobody else can replace, made where it is missing; null where none can be had. */
export function privateFolder(env: Environment): string | null {
  for (const folder of runtimeFolders(env)) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      accessSync(folder, constants.W_OK | constants.X_OK);
      if (findUntrusted(folder, userInfo().uid) === null) return folder;
    } catch {
      // Not to be had; the next may be.
    }
  }
  return null;
}

/** The sockets in some folders, whoever answers there. Folders of others are passed over: anybody may write to /tmp. */
export function socketsIn(folders: readonly string[]): string[] {
  return folders.filter(isOurs).flatMap((folder) => {
    try {
      return readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isSocket() && entry.name.endsWith('.sock'))
        .map((entry) => join(folder, entry.name))
        .sort();
    } catch {
      // A folder that may not be read has no socket for us.
      return [];
    }
  });
}

function isOurs(folder: string): boolean {
  const { uid } = userInfo();
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true && (found.uid === uid || uid === 0);
}
