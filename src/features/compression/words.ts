import { featureWords, settingsOf } from '../feature-words.ts';
import { compressionName, type CompressionSpec } from './settings.ts';

export const compressionWords = featureWords({
  settings: settingsOf(compressionName, (spec: CompressionSpec) => ({
    limits: { compress: spec.codings.join(', '), compressMinBytes: spec.minBytes },
  })),
});
