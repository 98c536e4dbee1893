import { featureWords } from '../feature-words.ts';
import { bandwidthOf } from './settings.ts';

export const bandwidthWords = featureWords({
  settings(features) {
    const spec = bandwidthOf(features);
    if (spec === null) return {};
    const { responseBytesPerS, routeBytesPerS, freeBytes } = spec;
    return {
      limits: {
        ...(responseBytesPerS === null ? {} : { responseBytesPerS, freeBytes }),
        ...(routeBytesPerS === null ? {} : { routeBytesPerS }),
      },
    };
  },
});
