/** What may be written about objectives of routes. */
import { alertDefaults as absent } from './alert-defaults.ts';
import { bareObjectiveError, objectivePattern, parseObjective } from './format/objective.ts';
import { duration, parsed } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import type * as z from 'zod';

const objective = parsed(parseObjective, {
  kind: 'percentage',
  bare: bareObjectiveError,
  pattern: `^${objectivePattern}$`,
  examples: ['99.9%', '99%'],
});

export const slo = section({
  availability: key(
    objective,
    'The share of requests that are to be answered whole, without a 5xx, and without a gRPC status that says that the server has failed.',
    absent.sloAvailability,
  ),
  latency: key(
    section({
      under: duration.meta({
        description:
          'How long they may take, from the first byte of the request to the last of the response. Counted at the nearest bound of the histogram of durations, which is up to 17 % below.',
      }),
      share: objective.meta({ description: 'The share of responses that may take no longer, failures left out.' }),
    }),
    'How fast most responses are to be.',
    absent.sloLatency,
  ),
});

export type SloRead = z.output<typeof slo>;
