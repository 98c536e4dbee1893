import { featureWords } from '../feature-words.ts';
import { applicationPagesName, type ApplicationPagesSpec } from './settings.ts';

export const applicationPagesWords = featureWords({
  settings(features) {
    const spec = features?.[applicationPagesName] as ApplicationPagesSpec | undefined;
    return spec === undefined ? {} : { limits: { errorPagesFor: Object.keys(spec.pages).join(' ') } };
  },
});
