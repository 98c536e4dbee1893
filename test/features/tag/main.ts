import { scopeKey } from '../../../src/core/feature.ts';
import { mainFeature, type MainPart } from '../../../src/features/main-feature.ts';
import { tagName, type TagReport, type TagSpec, type TagsStatus } from './settings.ts';

/** Of a route: what each worker has counted, and what those have that are gone, and the process before. */
interface Counted {
  readonly byWorker: Map<number, number>;
  gone: number;
}

const version = 1;

export const tag = mainFeature<TagSpec, MainPart<TagSpec>, TagsStatus>({
  name: tagName,
  metrics: ({ tags }) => [
    {
      name: 'candor_tagged_total',
      help: 'Responses that were tagged, by route.',
      samples: tags.map(({ route, count }) => [{ route }, count]),
    },
  ],
  start() {
    const counted = new Map<string, Counted>();
    let tags: readonly { readonly key: string; readonly route: string; readonly value: string }[] = [];
    const of = (key: string): Counted => {
      const known = counted.get(key) ?? { byWorker: new Map(), gone: 0 };
      counted.set(key, known);
      return known;
    };
    const total = (key: string): number => [...of(key).byWorker.values()].reduce((sum, one) => sum + one, of(key).gone);
    return {
      use(scopes) {
        tags = scopes.map(({ scope, spec }) => ({ key: scopeKey(scope), route: scope.id, value: spec.value }));
      },
      onReports(reports, worker) {
        for (const [key, report] of Object.entries(reports)) of(key).byWorker.set(worker, (report as TagReport).count);
      },
      onWorkerGone(worker) {
        for (const one of counted.values()) {
          one.gone += one.byWorker.get(worker) ?? 0;
          one.byWorker.delete(worker);
        }
      },
      status: () => ({ tags: tags.map(({ key, route, value }) => ({ route, value, count: total(key) })) }),
      export() {
        const totals = Object.fromEntries([...counted.keys()].map((key) => [key, total(key)]));
        return { version, bytes: Buffer.from(JSON.stringify(totals)) };
      },
      import(state) {
        if (state.version !== version) return;
        for (const [key, count] of Object.entries(JSON.parse(Buffer.from(state.bytes).toString()) as object))
          of(key).gone = Number(count);
      },
    };
  },
});
