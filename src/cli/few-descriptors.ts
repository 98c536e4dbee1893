import type { Configuration } from '../core/configuration.ts';
import { moreDescriptorsText } from '../core/descriptor-text.ts';
import { availableCores } from '../system/system.ts';
import { descriptorLimit } from '../system/descriptors.ts';

/**
 * What a start takes, measured with one to four workers and one to three listeners, with log, state and admin socket: fewer
 * did not start, as many did. Without these three it is one less; applications take a few more.
 */
const ofProcess = 22;
/** Beside a socket for each listener. */
const ofWorker = 6;

/** Why a start failed, where so few files may be open that a gateway cannot start; null where there are enough. */
export function fewDescriptorsText(
  { workers, listeners }: Pick<Configuration, 'workers' | 'listeners'>,
  limit: number | null = descriptorLimit(),
  cores: number = availableCores(),
): string | null {
  const count = workers.count ?? cores;
  const needed = ofProcess + count * (ofWorker + listeners.length);
  if (limit === null || limit >= needed) return null;
  return (
    `This process may have ${limit} files open, and a start with workers: ${count} takes about ${needed}. ` +
    moreDescriptorsText
  );
}
