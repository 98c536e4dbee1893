import { scopeKey } from '../../core/feature.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import type { ConcurrencySettings } from './settings.ts';
import { concurrencyName } from './settings.ts';
import { RequestBound } from './worker-bound.ts';

interface BoundPart extends FeaturePart {
  readonly bound: RequestBound | null;
}

/** The same bound from one revision of the configuration to the next. */
export const concurrency = workerFeature<ConcurrencySettings, BoundPart>({
  name: concurrencyName,
  prepare(scope, { bound: spec, priority }, ports, previous) {
    const ordered = priority === undefined ? {} : { priority };
    if (spec === undefined) return { bound: null, hooks: ordered };
    const create = (): RequestBound =>
      new RequestBound(scopeKey(scope), spec, (onAvailable) => ports.semaphores(onAvailable), ports);
    const bound = previous?.bound ?? create();
    return {
      bound,
      hooks: { gate: bound, ...ordered },
      activate: () => bound.update(spec),
      discard: () => bound !== previous?.bound && bound.close(),
      close: () => bound.close(),
      condition: () => ({ queues: [bound.condition] }),
      waiting: () => bound.waitingRequests,
    };
  },
});
