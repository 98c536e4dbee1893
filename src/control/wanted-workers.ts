import type { Configuration } from '../core/configuration.ts';
import { availableCores } from '../system/system.ts';

/** How many workers the pool runs, and how much memory each may use. */
export interface WantedWorkers {
  readonly count: number;
  readonly memoryBytesMax: number;
}

/** One worker per core, unless the configuration sets the number. */
export function wantedWorkers({ workers }: Configuration): WantedWorkers {
  return { count: workers.count ?? availableCores(), memoryBytesMax: workers.memoryBytesMax };
}
