import { scopeKey } from '../../../src/core/feature.ts';
import { mainFeature, type MainPart, type ScopedSpec } from '../../../src/features/main-feature.ts';
import { sharedLimitName, type SharedLimitReport, type SharedLimitSpec, type SharedLimitStatus } from './settings.ts';

export const sharedLimit = mainFeature<SharedLimitSpec, MainPart<SharedLimitSpec>, SharedLimitStatus>({
  name: sharedLimitName,
  sharesSemaphores: () => true,
  metrics: ({ sharedLimits }) => [
    {
      name: 'candor_shared_limit_held',
      help: 'Requests in flight where `shared_limit` limits them, by route.',
      samples: sharedLimits.map(({ route, held }) => [{ route }, held]),
    },
    {
      name: 'candor_shared_limit_refused_total',
      help: 'Requests that were refused there, by route.',
      samples: sharedLimits.map(({ route, refused }) => [{ route }, refused]),
    },
  ],
  start({ counted }) {
    let scopes: readonly ScopedSpec<SharedLimitSpec>[] = [];
    const refused = new Map<string, number>();
    const held = new Map<string, Map<number, number>>();
    return {
      use(next) {
        scopes = next;
        const keys = new Set(next.map(({ scope }) => scopeKey(scope)));
        for (const key of held.keys()) if (!keys.has(key)) held.delete(key);
      },
      onReports(reports, worker) {
        for (const [key, report] of Object.entries(reports)) {
          const one = report as SharedLimitReport;
          refused.set(key, (refused.get(key) ?? 0) + one.refused);
          held.set(key, new Map([...(held.get(key) ?? []), [worker, one.held]]));
        }
      },
      onWorkerGone(worker) {
        for (const byWorker of held.values()) byWorker.delete(worker);
      },
      status: () => ({
        sharedLimits: scopes.map(({ scope, spec: { max } }) => ({
          ...{ route: scope.id, max, held: counted(scope)?.requests ?? 0 },
          heldByWorker: [...(held.get(scopeKey(scope)) ?? [])],
          refused: refused.get(scopeKey(scope)) ?? 0,
        })),
      }),
      export: () => ({ version: 1, bytes: Buffer.from(JSON.stringify([...refused])) }),
      import({ version, bytes }) {
        if (version !== 1) return;
        for (const [key, count] of JSON.parse(Buffer.from(bytes).toString()) as [string, number][])
          refused.set(key, count);
      },
    };
  },
});
