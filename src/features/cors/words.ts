import { featureWords } from '../feature-words.ts';
import { corsName, type CorsSpec } from './settings.ts';

export const corsWords = featureWords({
  settings(features) {
    const spec = features?.[corsName] as CorsSpec | undefined;
    if (spec === undefined) return {};
    const { origins, methods, headers, expose, credentials, maxAgeS } = spec;
    return {
      headers: {
        corsOrigins: origins.join(' '),
        corsMethods: methods.join(' '),
        ...(headers.length === 0 ? {} : { corsHeaders: headers.join(' ') }),
        ...(expose.length === 0 ? {} : { corsExpose: expose.join(' ') }),
        ...{ corsCredentials: credentials, corsMaxAgeS: maxAgeS },
      },
    };
  },
});
