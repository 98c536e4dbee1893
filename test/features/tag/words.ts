import type { TagSpec, TagsStatus } from './settings.ts';
import { featureWords } from '../../../src/features/feature-words.ts';

export const tag = featureWords<TagsStatus>({
  settings: (features) => {
    const spec = features?.['tag'] as TagSpec | undefined;
    return spec === undefined ? {} : { limits: { tag: `${spec.header}: ${spec.value}` } };
  },
  status: {
    title: 'TAGS',
    rows: ({ tags }) =>
      tags.map(({ route, value, count }) => ({ tone: 'good', cells: [`route ${route}`, `${count} tagged ${value}`] })),
  },
});
