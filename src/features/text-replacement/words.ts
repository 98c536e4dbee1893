import { featureWords } from '../feature-words.ts';
import { replacementOf } from './settings.ts';

export const replacementWords = featureWords({
  settings(features) {
    const spec = replacementOf(features);
    return spec === undefined ? {} : { limits: { textsReplaced: spec.pairs.length, replaceTextBytes: spec.bytesMax } };
  },
});
