import type { Filter } from '../core/filter.ts';
import { hostOf } from '../wire/host.ts';
import { plainText, textAnswer } from './plain-answer.ts';

/** 308: the client repeats the request with the same method (RFC 9110 §15.4.9). */
const permanentRedirect = 308;

/** What may not stand in a location; each character of a target is one byte. */
const unsafe = /[^\x21-\x7e]|["<>\\`{}]/g;

/**
 * Redirects requests in clear text to the same address with `https`. `portOf` returns the port at which clients reach a host with
 * TLS; null: it has none, and the request goes on.
 */
export function httpsRedirectFilter(portOf: (host: string) => number | null): Filter {
  return {
    name: 'https-redirect',
    stage: 'https',
    onRequestHead({ client, request }) {
      if (client.scheme === 'https') return 'continue';
      const host = hostOf(request.authority);
      const port = portOf(host);
      // CONNECT and "OPTIONS *" have no address that could be repeated.
      if (port === null || !request.target.startsWith('/')) return 'continue';
      const location = `https://${host}${port === 443 ? '' : `:${port}`}${request.target.replace(unsafe, percent)}`;
      return textAnswer(permanentRedirect, plainText, `See ${location}\n`, [['Location', location]]);
    },
  };
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
