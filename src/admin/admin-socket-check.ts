import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoSentence } from '../core/errno-text.ts';
import { nearestThere, findUntrusted } from '../deploy/private-folder.ts';
import { findFolderObstacle } from '../deploy/writable.ts';
import { checkSocketPath, type AdminSocketRefusal } from './admin-socket.ts';

/**
 * Why the admin socket cannot be created at a path, in a sentence; null if no problem is found. Creates nothing and
 * connects to nothing: another gateway may still answer there.
 */
export function checkAdminSocket(path: string): string | null {
  const refusal = refusalOf(path);
  return refusal === null ? null : socketRefusalText(path, refusal);
}

function refusalOf(path: string): AdminSocketRefusal | null {
  const folder = dirname(path);
  const tooLong = checkSocketPath(path);
  if (tooLong !== null) return tooLong;
  const closed = findFolderObstacle(folder);
  if (closed !== null) return { why: 'not_permitted', errno: closed.errno };
  const untrusted = findUntrusted(nearestThere(folder), process.geteuid?.() ?? 0);
  if (untrusted !== null) return { why: 'untrusted_folder', untrusted };
  const existing = lstatSync(path, { throwIfNoEntry: false });
  return existing === undefined || existing.isSocket() ? null : { why: 'not_a_socket' };
}

export function socketRefusalText(path: string, refusal: AdminSocketRefusal): string {
  switch (refusal.why) {
    case 'held':
      return `Another gateway answers at the admin socket ${path}. Stop it, or give this one another admin.socket.`;
    case 'not_a_socket':
      return `The admin socket ${path} cannot be created: a file that is not a socket has that name. It was left unchanged.`;
    case 'path_too_long':
      return `The path of the admin socket is too long: the system allows ${refusal.limit} bytes. (${path})`;
    case 'not_permitted':
      return `The admin socket ${path} cannot be created: ${errnoSentence(refusal.errno)}`;
    case 'untrusted_folder': {
      const { path: name, why } = refusal.untrusted;
      const because =
        why === 'foreign'
          ? `${name} belongs to another user, who could answer in the gateway's place`
          : `every user may rename files in ${name}, and could answer in the gateway's place`;
      return `The admin socket ${path} is not created: ${because}. Choose an admin.socket in a folder of your own.`;
    }
  }
}
