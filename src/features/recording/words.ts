import { featureWords, settingsOf } from '../feature-words.ts';
import { recordingName, type RecordingSpec } from './settings.ts';

export const recordingWords = featureWords({
  settings: settingsOf(recordingName, (spec: RecordingSpec) => {
    const names = Object.keys(spec.fields).join(', ');
    const { share } = spec;
    return { limits: { loggedShare: share, ...(names === '' ? {} : { loggedFields: names }) } };
  }),
});
