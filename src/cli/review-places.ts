import { objectToSocketPlace } from '../admin/socket-place.ts';
import type { LeftOpen } from '../config/parse.ts';
import type { Configuration } from '../core/configuration.ts';
import { whyNoFile } from '../deploy/writable.ts';
import { fitPlaces } from './fit-places.ts';
import type { MachineWarning } from './review-machine.ts';

/**
 * What of a configuration's log, state and admin socket this user could not have on this machine. The gateway may be another
 * user's, so none of it is a mistake of the file; a gateway that this user starts says the same.
 */
export function reviewPlaces(
  configuration: Configuration,
  leftOpen: LeftOpen,
  env: Readonly<Record<string, string | undefined>>,
): readonly MachineWarning[] {
  const { configuration: fitted, notes } = fitPlaces(configuration, leftOpen, env);
  const warnings = notes.map((note) => warning('places', null, note));
  const { admin, log } = fitted;
  const socket = admin.socket === null || leftOpen.socket ? null : objectToSocketPlace(admin.socket);
  if (socket !== null) warnings.push(warning('admin.socket', admin.socket, socket));
  const isFile = log.path !== null && log.path !== '-' && !leftOpen.log;
  const closed = isFile ? whyNoFile(log.path) : null;
  if (closed !== null)
    warnings.push(
      warning('log.path', log.path, `log.path: ${closed.path} cannot be written by this user (${closed.errno}).`),
    );
  return warnings;
}

function warning(setting: string, value: string | null, message: string): MachineWarning {
  return { setting, value, message, suggestion: null };
}
