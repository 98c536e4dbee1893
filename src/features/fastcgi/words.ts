import { featureWords } from '../feature-words.ts';
import { phpOf } from './settings.ts';

export const fastCgiWords = featureWords({
  settings(ofRoute) {
    const php = phpOf(ofRoute);
    if (php === null) return {};
    const { root, index, split, frontController, remote } = php;
    return { programs: { root, index, split, frontController, remote } };
  },
});
