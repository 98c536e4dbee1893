/** What may be written about retries. */
import * as z from 'zod';
import { defaults } from './defaults.ts';
import { duration, durationOrNone, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';

const absent = defaults.retry;

export const retry = z.union([
  z.literal('none'),
  section({
    attempts: key(
      whole(1, 10),
      'How often an exchange is tried, the first time included. A request that may have been executed is repeated so often only if its method is idempotent.',
      absent.attempts,
    ),
    statuses: key(
      z.array(whole(400, 599)).min(1),
      'Statuses of the application after which another attempt is made, such as `[502, 503, 504, 429]`, while the response is held (`commit_delay`). If no attempt gets another response, the client gets this one.',
      absent.statuses,
    ),
    attempt_timeout: key(
      durationOrNone,
      'From the time when a request has its connection until the head of the response has come; then the attempt fails (`attempt_timeout`), and the next one is made. Or `none`.',
      absent.attemptTimeout,
    ),
    backoff: key(
      duration,
      'The longest wait before the first retry that waits, twice as long for each further one; each waits for a random part of it. The first retry at another endpoint is sent at once. A `Retry-After` is waited for in any case.',
      absent.backoff,
    ),
    backoff_max: key(duration, 'The longest wait that it grows to.', absent.backoffMax),
    idempotency_key: key(
      z.boolean(),
      'Whether a request with an `Idempotency-Key` is retried as if its method were idempotent: only for applications that recognise a key which they have seen. A key that is not forwarded does not count.',
      absent.idempotencyKey,
    ),
    attempt_headers: key(
      z.boolean(),
      'Whether endpoints get `X-Envoy-Attempt-Count`, the number of the attempt, and `X-Envoy-Expected-Rq-Timeout-Ms`, how long its response is waited for.',
      absent.attemptHeaders,
    ),
    hedge: key(
      z.boolean(),
      'Whether a GET or HEAD that takes longer than 95 % of the latest ones is sent to a second endpoint too. The response that begins first is used, and the other attempt is cancelled.',
      absent.hedge,
    ),
  }),
]);

export type RetryRead = z.output<typeof retry>;
