import { featureWords, type FlatSettings } from '../feature-words.ts';
import { bodyLimitsOf } from './settings.ts';

export const bodyLimitsWords = featureWords({
  settings(features) {
    const spec = bodyLimitsOf(features);
    if (spec === null) return {};
    const { requestBytesMax, responseBytesMax } = spec;
    const limits: FlatSettings = {
      ...(requestBytesMax === undefined ? {} : { requestBytesMax: requestBytesMax ?? 'none' }),
      ...(responseBytesMax === null ? {} : { responseBytesMax }),
    };
    return { limits };
  },
});
