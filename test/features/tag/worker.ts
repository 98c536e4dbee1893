import type { Filter } from '../../../src/core/filter.ts';
import { type FeaturePart, workerFeature } from '../../../src/features/worker-feature.ts';
import { tagName, type TagReport, type TagSpec } from './settings.ts';

interface TagPart extends FeaturePart {
  readonly counter: { count: number; reported: number };
}

export const tag = workerFeature<TagSpec, TagPart>({
  name: tagName,
  prepare(_, spec, __, previous) {
    const counter = previous?.counter ?? { count: 0, reported: 0 };
    const filter: Filter = {
      name: tagName,
      onResponseHead(___, head) {
        head.set(spec.header, spec.value);
        counter.count++;
      },
    };
    return {
      counter,
      hooks: { filters: [filter] },
      report(): TagReport | null {
        if (counter.count === counter.reported) return null;
        counter.reported = counter.count;
        return { count: counter.count };
      },
    };
  },
});
