import { featureWords } from '../feature-words.ts';
import { phpOf } from './settings.ts';

export const fastCgiWords = featureWords({
  settings(ofRoute) {
    const php = phpOf(ofRoute);
    if (php === null) return {};
    const { root, index, split, frontController, remote, variables } = php;
    // Values may be secrets.
    const names = variables.length === 0 ? {} : { variables: variables.map(([name]) => name).join(' ') };
    return { programs: { root, index, split, frontController, remote, ...names } };
  },
});
