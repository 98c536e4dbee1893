import type { Configuration } from '../core/configuration.ts';
import { availableCores } from '../system/system.ts';

/** How many workers there are to be, and how much memory one of them may hold. */
export interface WantedWorkers {
  readonly count: number;
  readonly memoryBytesMax: number;
}

/** One worker per core, unless the configuration says how many. */
export function wantedWorkers({ workers }: Configuration): WantedWorkers {
  return { count: workers.count ?? availableCores(), memoryBytesMax: workers.memoryBytesMax };
}
