import { featureWords } from '../feature-words.ts';
import { concurrencyOf, type ConcurrencyStatus } from './settings.ts';

export const concurrencyWords = featureWords<ConcurrencyStatus>({
  settings(features, upstream) {
    const { bound: ofRoute, priority = 'normal' } = concurrencyOf(features);
    const { bound: ofUpstream } = concurrencyOf(upstream?.features);
    return {
      limits: {
        priority,
        ...(ofRoute === undefined ? {} : { routeRequestsMax: ofRoute.requestsMax, routeQueueMax: ofRoute.queueMax }),
        ...(ofUpstream === undefined
          ? {}
          : { upstreamRequestsMax: ofUpstream.requestsMax, upstreamQueueMax: ofUpstream.queueMax }),
      },
    };
  },
  status: {
    title: 'BOUNDS',
    rows: ({ bounds }) =>
      bounds.map(({ kind, id, requests, limit, adaptive, waiting }) => ({
        tone: waiting.length > 0 ? 'warn' : 'good',
        cells: [`${kind} ${id}`, `${requests} of ${limit ?? '?'} requests in flight`],
        note: adaptive ? 'adapts' : '',
        waiting,
      })),
  },
});
