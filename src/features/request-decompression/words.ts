import { featureWords } from '../feature-words.ts';
import { decompressionOf } from './settings.ts';

export const decompressionWords = featureWords({
  settings(features) {
    const spec = decompressionOf(features);
    if (spec === undefined) return {};
    return { limits: { decompressedRequestBytes: spec.bytesMax, decompressedRequestRatio: spec.ratioMax } };
  },
});
