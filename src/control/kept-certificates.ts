import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import { certificatesFolder } from '../core/managed-tls.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { findWriteObstacle } from '../deploy/writable.ts';
import { writeSynced } from '../deploy/own-file.ts';

/** What a chain with its key needs. */
const probe = 'x'.repeat(16 * 1024);

/**
 * Why certificates that the gateway obtains could not be kept, in one sentence with what to do; null: they could, or none are obtained.
 * Without them each start would obtain new ones, and CAs allow few for a name. Writes a file and removes it.
 */
export function whyNotKept({
  listeners,
  stateFolder,
}: Pick<Configuration, 'listeners' | 'stateFolder'>): string | null {
  if (!listeners.some(({ tls }) => tls?.automatic != null)) return null;
  const what = 'certificates that are obtained automatically could not be kept';
  const instead = 'or name another folder with the key `state`';
  if (stateFolder === null) return `${what}, as there is no state folder: name one with the key \`state\``;
  const folder = join(stateFolder, certificatesFolder);
  let problem: string | null = null;
  const obstacle = findWriteObstacle(folder, () => {
    problem = makePrivateFolder(folder);
    if (problem === null) tryToWrite(join(folder, `try-${process.pid}`));
  });
  if (problem !== null)
    return `${what}: ${folder} ${String(problem)}; let it belong to the user of the gateway alone, ${instead}`;
  if (obstacle === null) return null;
  const { errno } = obstacle;
  return `${what}: ${folder} cannot be written (${errno}): ${fixes[errno] ?? 'look at the disk'}, ${instead}`;
}

function tryToWrite(path: string): void {
  try {
    writeSynced(path, probe);
  } finally {
    rmSync(path, { force: true });
  }
}

const access = 'let the user of the gateway write there';

const fixes: Readonly<Record<string, string>> = {
  EACCES: access,
  EPERM: access,
  EROFS: 'mount it writable',
  ENOENT: 'no folder can be made in that file system',
  ENAMETOOLONG: 'its path is too long',
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: "the user's quota is used up: free some space",
  ENOTDIR: 'a part of its path is a file: remove that',
  EEXIST: 'a part of its path is a file: remove that',
};
