import { join } from 'node:path';
import { checkAdminSocket } from '../admin/admin-socket-check.ts';
import { type WriteObstacle, findFileObstacle, findFolderObstacle } from '../deploy/writable.ts';
import type { LeftOpen } from '../config/parse.ts';
import type { Configuration } from '../core/configuration.ts';
import { runtimeFolders } from './runtime-folder.ts';

/** A configuration whose default paths can be written, and a sentence for each path that was changed for that. */
export interface AdjustedPaths {
  readonly configuration: Configuration;
  readonly notes: readonly string[];
}

/**
 * Replaces default paths that cannot be written, as in a container or beside a file of a ConfigMap: the log goes to standard
 * output, no state is kept, and the admin socket goes into a private runtime folder, or there is none. State is never kept
 * in a folder for temporary files, because programs that clean such a folder would delete the lock. Paths that the
 * configuration file names stay as they are. Creates no file or folder.
 */
export function adjustPaths(
  configuration: Configuration,
  leftOpen: LeftOpen,
  env: Readonly<Record<string, string | undefined>>,
): AdjustedPaths {
  const notes: string[] = [];
  let fitted = configuration;
  const { log, stateFolder, admin, applications } = configuration;
  if (leftOpen.log && log.path !== null) {
    const why = because(findFileObstacle(log.path));
    if (why !== null) {
      fitted = { ...fitted, log: { ...log, path: '-' } };
      notes.push(`The exchange log goes to standard output, because ${why}. Set log.path to use another file.`);
    }
  }
  if (leftOpen.state && stateFolder !== null) {
    const why = because(findFolderObstacle(stateFolder));
    // Certificates that are obtained need one: the start says what is wrong with it.
    const isNeeded = configuration.listeners.some(({ tls }) => tls?.automatic != null);
    if (why !== null && !isNeeded) fitted = { ...fitted, stateFolder: null };
    // Without applications there is no state to keep.
    if (why !== null && !isNeeded && applications.length > 0)
      notes.push(`There is no state folder, as with \`state: none\`, because ${why}. Set state to use another folder.`);
  }
  if (leftOpen.socket && admin.socket !== null) {
    const { socket, note } = adjustSocket(admin.socket, configuration.deployment, env);
    fitted = { ...fitted, admin: { ...admin, socket } };
    if (note !== null) notes.push(note);
  }
  return { configuration: fitted, notes };
}

function adjustSocket(
  usual: string,
  deployment: string,
  env: Readonly<Record<string, string | undefined>>,
): { readonly socket: string | null; readonly note: string | null } {
  const why = checkAdminSocket(usual);
  if (why === null) return { socket: usual, note: null };
  const other = privateSockets(deployment, env).find((path) => checkAdminSocket(path) === null) ?? null;
  const where = other === null ? 'There is no admin socket' : `The admin socket is ${other}`;
  return { socket: other, note: `${where}. ${why} Set admin.socket to use another path.` };
}

/** Where the admin socket of a deployment may be when its default path cannot be written, best first. */
export function privateSockets(deployment: string, env: Readonly<Record<string, string | undefined>>): string[] {
  return runtimeFolders(env).map((folder) => join(folder, `${deployment}.sock`));
}

/** The end of a sentence. */
function because(found: WriteObstacle | null): string | null {
  return found === null ? null : `${found.path} cannot be written by this user (${found.errno})`;
}
