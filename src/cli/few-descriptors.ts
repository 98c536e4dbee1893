import type { Configuration } from '../core/configuration.ts';
import { availableCores } from '../gateway/system.ts';
import { descriptorLimit } from '../gateway/descriptors.ts';

/** Of the process before it serves anybody: Node, the log, the admin socket. Measured: 24, and 6 for each worker. */
const ownLeast = 32;
const perWorker = 8;

/** Why a start failed, where so few files may be open that a gateway cannot start; null where there are enough. */
export function fewDescriptorsText(
  { workers }: Configuration,
  limit: number | null = descriptorLimit(),
  cores: number = availableCores(),
): string | null {
  const count = workers.count ?? cores;
  const least = ownLeast + perWorker * count;
  if (limit === null || limit >= least) return null;
  return (
    `This process may have ${limit} files open, too few to start with workers: ${count}. Allow it more: \`ulimit -n 4096\` ` +
    'before it starts, LimitNOFILE=4096 under systemd.'
  );
}
