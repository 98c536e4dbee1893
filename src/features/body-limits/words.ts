import type { BodyLimits } from '../../core/body-limit.ts';
import { featureWords, type FlatSettings, settingsOf } from '../feature-words.ts';
import { bodyLimitsName } from './settings.ts';

export const bodyLimitsWords = featureWords({
  settings: settingsOf(bodyLimitsName, ({ requestBytesMax, responseBytesMax }: BodyLimits) => {
    const limits: FlatSettings = {
      ...(requestBytesMax === undefined ? {} : { requestBytesMax: requestBytesMax ?? 'none' }),
      ...(responseBytesMax === null ? {} : { responseBytesMax }),
    };
    return { limits };
  }),
});
