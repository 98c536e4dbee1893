import * as z from 'zod';
import type { ConcurrencySpec } from '../../core/upstream-spec.ts';
import { declare, describe } from '../../schema/default.ts';
import { count, ms } from '../../schema/fallback.ts';
import { duration, durationOrNone, whole } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { concurrencyName, type ConcurrencySettings } from './settings.ts';

const absent = {
  max: describe('none', 'Only the operator knows what the application bears; `connections.max` bounds it in any case.'),
  adaptive: declare('false', 'A number that is known is better than one that must be found out.'),
  queueMax: declare('128', 'A burst of a moment waits; a longer queue only makes everybody late.'),
  queueTimeout: declare('2s', 'A turn that has not come by then will not: better a clear answer than a late one.'),
  queueTarget: describe('none', 'It has to fit how long the requests take, which only the operator knows.'),
  priority: declare('normal', 'Only the operator knows which requests matter more.'),
};

const most = whole(1, 1_000_000);

const bound = z.union([
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
    queue_target: key(
      durationOrNone,
      'The wait that a burst may cause (the target of CoDel, RFC 8289). When every request of a priority has waited longer for ten times as long, the queue stands: a request may then wait for twice this time only, until one has waited less.',
      absent.queueTarget,
    ),
  }),
]);

/** Of a route. */
const concurrencyRouteKeys = {
  concurrency: key(
    bound,
    'How many of its requests may be in flight; others wait for their turn. A number, or with a queue. That of the upstream applies too.',
  ),
  priority: key(
    z.enum(['high', 'normal', 'low']),
    'Whose turn comes first where requests wait for one (`concurrency`): that of `high`, then `normal`, then `low`. Where the queue is full, a request takes the place of one of a lower priority. While a worker is late (`workers.delay_max`), requests of a lower priority are refused first.',
    absent.priority,
  ),
};

/** Of an upstream or an application. */
const concurrencyUpstreamKeys = {
  concurrency: key(
    bound,
    'How many requests may be in flight at all endpoints together; others wait for their turn. A number, or with a queue.',
  ),
};

type BoundRead = z.output<typeof bound>;
type RouteRead = z.output<z.ZodObject<typeof concurrencyRouteKeys>>;
type UpstreamRead = z.output<z.ZodObject<typeof concurrencyUpstreamKeys>>;

export const concurrency: FeatureKeys = featureKeys<RouteRead, UpstreamRead>({
  name: concurrencyName,
  routeKeys: concurrencyRouteKeys,
  upstreamKeys: concurrencyUpstreamKeys,
  forms: {
    concurrency: {
      example: '{ max: 100 }',
      off: 'remove the key',
      on: 'write { adaptive: true }, or a number such as 100',
    },
    priority: { example: 'high', off: 'write normal, or remove the key' },
  },
  needsUpstream: true,
  sharedBy: 'concurrency',
  ofRoute: ({ concurrency: read, priority = 'normal' }) =>
    settingsOf({ ...boundOf(read), ...(priority === 'normal' ? {} : { priority }) }),
  ofUpstream: ({ concurrency: read }) => settingsOf(boundOf(read)),
  review({ routes, upstreams }, findings) {
    for (const { path, read } of [...upstreams, ...routes]) {
      if (boundsNothing(read.concurrency))
        findings.errorAtKey(
          [...path, 'concurrency'],
          '"concurrency" bounds nothing',
          'write "max", or "adaptive: true"',
        );
      const { queueTargetMs: targetMs = null, queueMs = 0, queueMax = 0 } = boundOf(read.concurrency).bound ?? {};
      if (targetMs !== null && (queueMax === 0 || 2 * targetMs >= queueMs))
        findings.warnAtKey(
          [...path, 'concurrency', 'queue_target'],
          queueMax === 0
            ? 'it has no effect: nothing may wait'
            : 'it has no effect: "queue_timeout" is at most twice as long',
          queueMax === 0 ? 'remove it, or raise "queue_max"' : 'write less than half of "queue_timeout", or remove it',
        );
    }
  },
});

function boundsNothing(read: BoundRead | undefined): boolean {
  return typeof read === 'object' && read.max === undefined && read.adaptive !== true;
}

function settingsOf(settings: ConcurrencySettings): ConcurrencySettings | null {
  return Object.keys(settings).length === 0 ? null : settings;
}

function boundOf(read: BoundRead | undefined): { readonly bound?: ConcurrencySpec } {
  if (read === undefined) return {};
  const {
    max: written,
    adaptive = false,
    queue_max,
    queue_timeout,
    queue_target,
  } = typeof read === 'number' ? numberOnly(read) : read;
  const max = written === 'none' ? undefined : written;
  if (max === undefined && !adaptive) return {};
  const { queueMax, queueTimeout } = absent;
  const target = queue_target == null ? {} : { queueTargetMs: queue_target };
  const queue = { queueMax: count(queue_max, queueMax), queueMs: ms(queue_timeout, queueTimeout), ...target };
  return { bound: { requestsMax: max ?? null, adaptive, ...queue } };
}

function numberOnly(max: number): Exclude<BoundRead, number> {
  return { max };
}
