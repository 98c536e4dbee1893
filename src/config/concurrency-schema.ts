/** What may be written about bounds of requests in flight. */
import * as z from 'zod';
import { defaults } from './defaults.ts';
import { duration, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';

const absent = defaults.concurrency;
const most = whole(1, 1_000_000);

export const concurrency = z.union([
  most,
  section({
    max: key(z.union([most, z.enum(['none'])]), 'Requests in flight, of all workers together, or `none`.', absent.max),
    adaptive: key(
      z.boolean(),
      'Whether the bound adapts to the latency of the requests: it falls when they take longer than without load, and rises while they do not. At most `max`, or 1,000.',
      absent.adaptive,
    ),
    queue_max: key(
      whole(0, 100_000),
      'How many requests may wait for their turn, in all workers together; one more is a 503 (`concurrency_limit`).',
      absent.queueMax,
    ),
    queue_timeout: key(
      duration,
      'How long a request may wait for its turn; then it is a 503 (`concurrency_timeout`).',
      absent.queueTimeout,
    ),
  }),
]);

export type ConcurrencyRead = z.output<typeof concurrency>;
