import { isAbsolute, join } from 'node:path';
import { objectToOwnSocketPath } from './format/address.ts';
import type { Environment } from './expand.ts';

/**
 * Where the control plane's socket may be when the file does not say, best first: the folder that systemd made
 * for the service, the user's run-time folder, the folder of the configuration. `candor status` looks in the
 * same places, in this order, since its environment may differ from the gateway's.
 */
export function adminSocketCandidates(deployment: string, directory: string, environment: Environment): string[] {
  const candidates: string[] = [];
  // RuntimeDirectory= may name several, joined by colons.
  const service = environment['RUNTIME_DIRECTORY']?.split(':')[0] ?? '';
  if (isAbsolute(service)) candidates.push(join(service, `${deployment}.sock`));
  const user = environment['XDG_RUNTIME_DIR'] ?? '';
  if (isAbsolute(user)) candidates.push(join(user, 'candor', `${deployment}.sock`));
  candidates.push(join(directory, 'candor.sock'));
  return candidates.filter((path) => objectToOwnSocketPath(path) === null);
}
