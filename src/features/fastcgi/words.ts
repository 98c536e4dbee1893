import { featureWords } from '../feature-words.ts';
import { phpOf } from './settings.ts';

export const fastCgiWords = featureWords({
  settings(ofRoute) {
    const php = phpOf(ofRoute);
    if (php === null) return {};
    const { root, index, split, frontController, remote, variables } = php;
    // Values may be secrets.
    const named = Object.keys(variables).join(' ');
    return { programs: { root, index, split, frontController, remote, ...(named === '' ? {} : { variables: named }) } };
  },
});
