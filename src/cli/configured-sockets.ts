import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { adminSocketCandidates, adminSocketsElsewhere } from '../config/admin-socket.ts';
import type { Configuration } from '../core/configuration.ts';
import { privateSockets } from './adjust-paths.ts';
import { type ProcessContext } from './process-context.ts';
import { untrustedText } from './runtime-folder.ts';

/** What says where a gateway answers. */
export type AdminParts = Pick<Configuration, 'deployment' | 'admin'>;

/** Several, if the configuration leaves the path to the environment of the gateway, which may differ from ours. */
export function socketsOf(configuration: AdminParts, file: string, context: ProcessContext): readonly string[] {
  const { named, others } = socketPathsOf(configuration, file, context);
  return [...(named === null ? [] : [named]), ...others.filter((path) => untrustedText(dirname(path)) === null)];
}

/** Why existing sockets of the configuration are not asked. */
export function skippedSockets(configuration: AdminParts, file: string, context: ProcessContext): readonly string[] {
  const { others } = socketPathsOf(configuration, file, context);
  return others.flatMap((path) => untrustedText(dirname(path)) ?? []);
}

/** The socket that the configuration names in this environment, and those that it may name in another one. */
function socketPathsOf(
  { deployment, admin }: AdminParts,
  file: string,
  context: ProcessContext,
): { readonly named: string | null; readonly others: readonly string[] } {
  const folder = dirname(resolve(context.directory, file));
  const [usual] = adminSocketCandidates(deployment, folder, context.env);
  if (admin.socket === null || admin.socket !== usual) return { named: admin.socket, others: [] };
  const elsewhere = [
    ...adminSocketsElsewhere(deployment, folder, context.env),
    // A gateway uses these if its default path cannot be written.
    ...privateSockets(deployment, context.env),
  ];
  const others = new Set(elsewhere.filter((path) => path !== usual && existsSync(path)));
  return { named: usual, others: [...others] };
}
