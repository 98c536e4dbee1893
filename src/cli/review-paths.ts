import { checkAdminSocket } from '../admin/admin-socket-check.ts';
import type { LeftOpen } from '../config/parse.ts';
import type { Configuration } from '../core/configuration.ts';
import { findFileObstacle, findFolderObstacle, findMissingFolder, type WriteObstacle } from '../deploy/writable.ts';
import { trackedByGit } from '../deploy/tracked-by-git.ts';
import { adjustPaths } from './adjust-paths.ts';
import type { MachineWarning } from './review-machine.ts';

/**
 * The paths of a configuration's log, state, store and admin socket that this user could not write on this machine. The gateway may
 * run as another user, so these are not errors of the file. A gateway that this user starts reports the same.
 */
export function reviewPaths(
  configuration: Configuration,
  leftOpen: LeftOpen,
  env: Readonly<Record<string, string | undefined>>,
): readonly MachineWarning[] {
  const { configuration: fitted, notes } = adjustPaths(configuration, leftOpen, env);
  const warnings = notes.map((note) => warning('places', null, note));
  const { admin, log, store } = fitted;
  const socket = admin.socket === null || leftOpen.socket ? null : checkAdminSocket(admin.socket);
  if (socket !== null) warnings.push(warning('admin.socket', admin.socket, socket));
  const isFile = log.path !== null && log.path !== '-' && !leftOpen.log;
  const closed = isFile ? findFileObstacle(log.path) : null;
  if (closed !== null) warnings.push(warning('log.path', log.path, `log.path: ${obstacleText(closed)}.`));
  const missing = isFile && closed === null ? findMissingFolder(log.path) : null;
  if (missing !== null)
    warnings.push({
      ...warning(
        'log.path',
        log.path,
        `log.path: the folder ${missing} does not exist. A start makes the last folder of a path and none above it`,
      ),
      suggestion: `make it with mkdir -p ${missing}, and correct the path if it is misspelt`,
    });
  const unstored = store === null ? null : findFolderObstacle(store.path);
  if (unstored !== null)
    warnings.push(warning('store', store?.path ?? null, `store: ${obstacleText(unstored)}: nothing would be stored.`));
  const tracked = fitted.stateFolder === null ? null : trackedByGit(fitted.stateFolder);
  if (tracked !== null)
    warnings.push({
      ...warning('state', fitted.stateFolder, `state: git tracks ${tracked}, and the state folder has private keys`),
      suggestion: `git rm -r --cached ${fitted.stateFolder}, add it to .gitignore, and make new keys if others have the repository`,
    });
  const logged = isFile ? trackedByGit(log.path) : null;
  if (logged !== null) warnings.push(trackedWarning('log.path', log.path ?? '', logged, 'the log has'));
  const stored = store === null ? null : trackedByGit(store.path);
  if (store !== null && stored !== null) warnings.push(trackedWarning('store', store.path, stored, 'the store has'));
  return warnings;
}

function trackedWarning(setting: string, path: string, tracked: string, what: string): MachineWarning {
  return {
    ...warning(
      setting,
      path,
      `${setting}: git tracks ${tracked}, and ${what} addresses of clients and what they asked`,
    ),
    suggestion: `git rm -r --cached ${path}, and add it to .gitignore`,
  };
}

function obstacleText({ path, errno }: WriteObstacle): string {
  if (errno === 'EISDIR') return `${path} is a folder, and the log is a file`;
  if (errno === 'ENOTDIR') return `${path} is a file, and a folder would have to be there`;
  return `${path} cannot be written by this user (${errno})`;
}

function warning(setting: string, value: string | null, message: string): MachineWarning {
  return { setting, value, message, suggestion: null };
}
