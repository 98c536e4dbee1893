import { featureWords } from '../feature-words.ts';
import { respondName, type RespondSpec } from './settings.ts';

export const respondWords = featureWords({
  settings(features) {
    const spec = features?.[respondName] as RespondSpec | undefined;
    if (spec === undefined) return {};
    if ('closes' in spec) return { answer: { respond: 'close' } };
    const { status, contentType, body, headers = [] } = spec;
    const bodyBytes = new TextEncoder().encode(body).length;
    return {
      answer: { status, ...(body === '' ? {} : { contentType }), bodyBytes },
      ...(headers.length === 0 ? {} : { headers: { respond: headers.map(([name]) => name).join(' ') } }),
    };
  },
});
