import type { Configuration } from '../core/configuration.ts';
import { descriptorsStep } from '../core/descriptor-need.ts';
import { availableCores } from '../system/system.ts';
import { descriptorLimit, descriptorReserve } from '../system/descriptors.ts';

/**
 * The descriptors that a start needs, measured with one to four workers and one to three listeners, with log, state and
 * admin socket: a start with fewer failed. Without log, state and socket it needs one less; applications need a few more.
 */
const ofProcess = 28;
/** In addition to a socket for each listener. */
const ofWorker = 6;

/** A gateway that serves fewer clients at once serves hardly any. */
const clientsMin = 8;

/** Why a gateway cannot start with the descriptor limit, or would serve hardly any client; null if the limit is high enough. */
export function fewDescriptorsText(
  { workers, listeners }: Pick<Configuration, 'workers' | 'listeners'>,
  limit: number | null = descriptorLimit(),
  cores: number = availableCores(),
): string | null {
  const count = workers.count ?? cores;
  const needed = ofProcess + count * (ofWorker + listeners.length);
  if (limit === null) return null;
  const reserve = descriptorReserve(limit);
  if (limit >= needed + reserve + clientsMin) return null;
  const start = `This process may have ${limit} files open, and a start with workers: ${count} takes about ${needed}`;
  const left = limit < needed ? '' : `; since ${reserve} stay free of clients, hardly any client would be served`;
  return `${start}${left}. ${descriptorsStep(null, 'start')}`;
}
