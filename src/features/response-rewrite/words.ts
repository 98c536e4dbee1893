import { featureWords, type FlatSettings } from '../feature-words.ts';
import { type CookieChange, type ResponseRewriteSpec, responseRewriteName } from './settings.ts';

export const responseRewriteWords = featureWords({
  settings(features) {
    const spec = features?.[responseRewriteName] as ResponseRewriteSpec | undefined;
    if (spec === undefined) return {};
    const { urls, cookies } = spec;
    const shown: FlatSettings = {
      ...(urls === null ? {} : { urls: urls.paths ? 'addresses and paths' : 'addresses of endpoints' }),
      ...(urls === null || urls.hosts.length === 0 ? {} : { hosts: urls.hosts.join(', ') }),
      ...(cookies === null ? {} : cookieWords(cookies)),
    };
    return { rewrite: shown };
  },
});

function cookieWords({ path, domain, secure, httpOnly, sameSite }: CookieChange): FlatSettings {
  return {
    ...{ cookiePath: path, cookieDomain: domain },
    ...(secure === null ? {} : { cookieSecure: secure }),
    ...(httpOnly === null ? {} : { cookieHttpOnly: httpOnly }),
    ...(sameSite === null ? {} : { cookieSameSite: sameSite }),
  };
}
