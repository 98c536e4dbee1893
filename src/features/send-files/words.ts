import { featureWords, settingsOf } from '../feature-words.ts';
import { sendFilesName, type SendFilesSpec } from './settings.ts';

export const sendFilesWords = featureWords({
  settings: settingsOf(sendFilesName, (spec: SendFilesSpec) => ({
    answer: { sendFiles: spec.folders.map(({ prefix, folder }) => `${prefix}: ${folder}`).join('; ') },
  })),
});
