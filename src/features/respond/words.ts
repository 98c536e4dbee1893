import { featureWords, settingsOf } from '../feature-words.ts';
import { respondName, type RespondSpec } from './settings.ts';

export const respondWords = featureWords({
  settings: settingsOf(respondName, (spec: RespondSpec) => {
    if ('closes' in spec) return { answer: { respond: 'close' } };
    const { status, contentType, body, headers = [] } = spec;
    const bodyBytes = new TextEncoder().encode(body).length;
    return {
      answer: { status, ...(body === '' ? {} : { contentType }), bodyBytes },
      ...(headers.length === 0 ? {} : { headers: { respond: headers.map(([name]) => name).join(' ') } }),
    };
  }),
});
