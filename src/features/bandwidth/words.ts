import { featureWords, settingsOf } from '../feature-words.ts';
import { bandwidthName, type BandwidthSpec } from './settings.ts';

export const bandwidthWords = featureWords({
  settings: settingsOf(bandwidthName, ({ responseBytesPerS, routeBytesPerS, freeBytes }: BandwidthSpec) => ({
    limits: {
      ...(responseBytesPerS === null ? {} : { responseBytesPerS, freeBytes }),
      ...(routeBytesPerS === null ? {} : { routeBytesPerS }),
    },
  })),
});
