import { checkAdminSocket } from '../admin/admin-socket-check.ts';
import type { LeftOpen } from '../config/parse.ts';
import type { Configuration } from '../core/configuration.ts';
import { findFileObstacle } from '../deploy/writable.ts';
import { adjustPaths } from './adjust-paths.ts';
import type { MachineWarning } from './review-machine.ts';

/**
 * The paths of a configuration's log, state and admin socket that this user could not write on this machine. The gateway may
 * run as another user, so these are not errors of the file. A gateway that this user starts reports the same.
 */
export function reviewPaths(
  configuration: Configuration,
  leftOpen: LeftOpen,
  env: Readonly<Record<string, string | undefined>>,
): readonly MachineWarning[] {
  const { configuration: fitted, notes } = adjustPaths(configuration, leftOpen, env);
  const warnings = notes.map((note) => warning('places', null, note));
  const { admin, log } = fitted;
  const socket = admin.socket === null || leftOpen.socket ? null : checkAdminSocket(admin.socket);
  if (socket !== null) warnings.push(warning('admin.socket', admin.socket, socket));
  const isFile = log.path !== null && log.path !== '-' && !leftOpen.log;
  const closed = isFile ? findFileObstacle(log.path) : null;
  if (closed !== null)
    warnings.push(
      warning('log.path', log.path, `log.path: ${closed.path} cannot be written by this user (${closed.errno}).`),
    );
  return warnings;
}

function warning(setting: string, value: string | null, message: string): MachineWarning {
  return { setting, value, message, suggestion: null };
}
