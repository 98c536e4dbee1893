import { featureWords } from '../feature-words.ts';
import { recordingOf } from './settings.ts';

export const recordingWords = featureWords({
  settings(features) {
    const spec = recordingOf(features);
    if (spec === null) return {};
    const names = Object.keys(spec.fields).join(', ');
    const { share } = spec;
    return { limits: { loggedShare: share, ...(names === '' ? {} : { loggedFields: names }) } };
  },
});
