import { featureWords, settingsOf } from '../feature-words.ts';
import { fastCgiName, type PhpSpec } from './settings.ts';

export const fastCgiWords = featureWords({
  settings: settingsOf(fastCgiName, (php: PhpSpec) => {
    const { root, index, split, frontController, remote, variables } = php;
    // Values may be secrets.
    const named = Object.keys(variables).join(' ');
    return { programs: { root, index, split, frontController, remote, ...(named === '' ? {} : { variables: named }) } };
  }),
});
