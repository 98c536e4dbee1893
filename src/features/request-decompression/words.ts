import { featureWords, settingsOf } from '../feature-words.ts';
import { decompressionName, type DecompressionSpec } from './settings.ts';

export const decompressionWords = featureWords({
  settings: settingsOf(decompressionName, (spec: DecompressionSpec) => ({
    limits: { decompressedRequestBytes: spec.bytesMax, decompressedRequestRatio: spec.ratioMax },
  })),
});
