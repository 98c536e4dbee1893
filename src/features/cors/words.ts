import { featureWords, settingsOf } from '../feature-words.ts';
import { corsName, type CorsSpec } from './settings.ts';

export const corsWords = featureWords({
  settings: settingsOf(corsName, ({ origins, methods, headers, expose, credentials, maxAgeS }: CorsSpec) => ({
    headers: {
      corsOrigins: origins.join(' '),
      corsMethods: methods.join(' '),
      ...(headers.length === 0 ? {} : { corsHeaders: headers.join(' ') }),
      ...(expose.length === 0 ? {} : { corsExpose: expose.join(' ') }),
      ...{ corsCredentials: credentials, corsMaxAgeS: maxAgeS },
    },
  })),
});
