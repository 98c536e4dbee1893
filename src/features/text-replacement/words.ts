import { featureWords, settingsOf } from '../feature-words.ts';
import { replacementName, type ReplacementSpec } from './settings.ts';

export const replacementWords = featureWords({
  settings: settingsOf(replacementName, (spec: ReplacementSpec) => ({
    limits: { textsReplaced: spec.pairs.length, replaceTextBytes: spec.bytesMax },
  })),
});
