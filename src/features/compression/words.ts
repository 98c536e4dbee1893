import { featureWords } from '../feature-words.ts';
import { compressionOf } from './settings.ts';

export const compressionWords = featureWords({
  settings(features) {
    const spec = compressionOf(features);
    return spec === undefined ? {} : { limits: { compress: spec.codings.join(', '), compressMinBytes: spec.minBytes } };
  },
});
