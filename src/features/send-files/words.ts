import { featureWords } from '../feature-words.ts';
import { sendFilesOf } from './settings.ts';

export const sendFilesWords = featureWords({
  settings(features) {
    const spec = sendFilesOf(features);
    if (spec === undefined) return {};
    return { answer: { sendFiles: spec.folders.map(({ prefix, folder }) => `${prefix}: ${folder}`).join('; ') } };
  },
});
