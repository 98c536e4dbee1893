import type { Configuration } from '../core/configuration.ts';
import { descriptorsStep } from '../core/descriptor-need.ts';
import { availableCores } from '../system/system.ts';
import { descriptorLimit } from '../system/descriptors.ts';

/**
 * The descriptors that a start needs, measured with one to four workers and one to three listeners, with log, state and
 * admin socket: a start with fewer failed. Without log, state and socket it needs one less; applications need a few more.
 */
const ofProcess = 28;
/** In addition to a socket for each listener. */
const ofWorker = 6;

/** Explains a failed start if the descriptor limit is too low for a gateway to start; null if it is high enough. */
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
    descriptorsStep(null, 'start')
  );
}
