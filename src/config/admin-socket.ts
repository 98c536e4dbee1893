import { isAbsolute, join } from 'node:path';
import { ownSocketPathError } from './format/address.ts';
import type { Environment } from './expand.ts';

/**
 * What `RuntimeDirectory=candor` makes, which the packaged unit has. The service learns it from its environment; whoever asks
 * the service from a shell does not.
 */
export const serviceFolder = '/run/candor';

/**
 * Where the control plane's socket may be when the file does not say, best first: the folder that systemd made
 * for the service, the user's run-time folder, the folder of the configuration.
 */
export function adminSocketCandidates(deployment: string, directory: string, environment: Environment): string[] {
  const candidates: string[] = [];
  // RuntimeDirectory= may name several, joined by colons.
  const service = environment['RUNTIME_DIRECTORY']?.split(':')[0] ?? '';
  if (isAbsolute(service)) candidates.push(join(service, `${deployment}.sock`));
  const user = environment['XDG_RUNTIME_DIR'] ?? '';
  if (isAbsolute(user)) candidates.push(join(user, 'candor', `${deployment}.sock`));
  candidates.push(join(directory, 'candor.sock'));
  return candidates.filter((path) => ownSocketPathError(path) === null);
}

/** Where it may be as seen from another environment than the gateway's, such as a shell's, in the order of looking. */
export function adminSocketsElsewhere(deployment: string, directory: string, environment: Environment): string[] {
  const candidates = adminSocketCandidates(deployment, directory, environment);
  return [...new Set([...candidates, join(serviceFolder, `${deployment}.sock`)])];
}
