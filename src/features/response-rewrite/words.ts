import { featureWords, type FlatSettings, settingsOf } from '../feature-words.ts';
import { type CookieChange, type ResponseRewriteSpec, responseRewriteName } from './settings.ts';

export const responseRewriteWords = featureWords({
  settings: settingsOf(responseRewriteName, ({ urls, cookies }: ResponseRewriteSpec) => {
    const shown: FlatSettings = {
      ...(urls === null ? {} : { urls: urls.paths ? 'addresses and paths' : 'addresses of endpoints' }),
      ...(urls === null || urls.hosts.length === 0 ? {} : { hosts: urls.hosts.join(', ') }),
      ...(cookies === null ? {} : cookieWords(cookies)),
    };
    return { rewrite: shown };
  }),
});

function cookieWords({ path, domain, secure, httpOnly, sameSite }: CookieChange): FlatSettings {
  return {
    ...{ cookiePath: path, cookieDomain: domain },
    ...(secure === null ? {} : { cookieSecure: secure }),
    ...(httpOnly === null ? {} : { cookieHttpOnly: httpOnly }),
    ...(sameSite === null ? {} : { cookieSameSite: sameSite }),
  };
}
