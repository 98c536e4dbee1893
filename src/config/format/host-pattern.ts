import { isIP } from 'node:net';
import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { reject, quoted } from '../../schema/error-detail.ts';
import { parsePattern } from '../../schema/format/pattern.ts';
import { isSwitchWord } from '../../schema/format/switch-word.ts';
import { normalHost } from '../../schema/format/host-name.ts';
import { normalIpv6 } from './address.ts';

/** `example.org`, or `*.example.org` for any name below it. Lowercase, in ASCII, without a port. */
export function parseHostPattern(text: string): Result<string, ErrorDetail> {
  const url = /^[a-z]+:\/\/([^/:]*)/i.exec(text);
  if (url !== null) return reject('a host has no scheme', `write ${quoted(url[1])}`);
  if (text === '*')
    return reject('"*" is not needed: a route without a host matches every host', 'remove the key "host"');
  if (isSwitchWord(text)) return rejectSwitchWord(text);
  const slash = text.indexOf('/');
  if (slash !== -1)
    return reject('a host has no path', `write host: ${text.slice(0, slash) || '…'} and path: ${text.slice(slash)}`);
  const unbracketed = text.replace(/^\[(.*)\]$/, '$1');
  if (isIP(unbracketed) === 6) return succeed(`[${normalIpv6(unbracketed)}]`);
  const port = /^(.*):(\d+)$/.exec(text);
  if (port !== null) return reject('a host is matched without its port', `write ${quoted(port[1])}`);
  const wild = text.startsWith('*.');
  const rest = wild ? text.slice(2) : text;
  if (rest.includes('*'))
    return reject(
      `${quoted(text)} has a wildcard in a wrong place`,
      'a wildcard is the whole first label, as in "*.example.org"',
    );
  if (text.startsWith('.'))
    return reject(`${quoted(text)} begins with a dot`, `write ${quoted(`*${text}`)} for every name below it`);
  if (/[\^$()|\\+?]/.test(text))
    return reject('a host is a name, not a pattern', 'write example.org, or "*.example.org" for every name below it');
  const host = normalHost(rest)?.replace(/\.$/, '');
  if (host === undefined) return reject(`${quoted(text)} is not a host name`);
  // `y.` and fullwidth letters become such a word here.
  if (!wild && isSwitchWord(host)) return rejectSwitchWord(text);
  return succeed(`${wild ? '*.' : ''}${host}`);
}

/** A host of a route: also `shop-*.example.org`, with one `*` for characters of a label, or a regular expression behind `~`. */
export function parseRouteHost(text: string): Result<string, ErrorDetail> {
  const [, pattern] = /^~\s*(.*)$/s.exec(text) ?? [];
  if (pattern !== undefined) {
    const parsed = parsePattern(pattern);
    return parsed.ok ? succeed(`~ ${parsed.value}`) : parsed;
  }
  if (/[\^$()|\\+?]/.test(text)) return reject('a regular expression has "~ " before it', `write "~ ${text}"`);
  if (!text.includes('*', 1) && (!text.startsWith('*') || text.length < 2 || text[1] === '.'))
    return parseHostPattern(text);
  const checked = parseHostPattern(text.replace('*', 'x'));
  if (checked.ok && !text.replace('*', '').includes('*')) return succeed(text.toLowerCase().replace(/\.$/, ''));
  return reject(
    `${quoted(text)} is not a host name`,
    'a name has one "*", such as "shop-*.example.org"; others are written as regular expressions behind "~ "',
  );
}

const allWords = /^(?:\*|all|any|everything|everyone|everybody|always|true|yes|on)$/i;

/** A host pattern of names that get certificates on demand: those of strangers must not be among them. */
export function parseAllowedHost(text: string): Result<string, ErrorDetail> {
  if (allWords.test(text))
    return reject(
      `${quoted(text)} would let every stranger have certificates ordered for any name`,
      'write "*.example.org" for the names below a domain of yours, or as "ask" a URL that says which names are yours',
    );
  const parsed = parseHostPattern(text);
  if (!parsed.ok || parsed.value.includes('.')) return parsed;
  return reject(
    `${quoted(text)} is one label, and no CA issues a certificate for it`,
    'write the whole name, such as shop.example.org',
  );
}

function rejectSwitchWord(text: string): Result<never, ErrorDetail> {
  return reject(`${quoted(text)} is no host`, 'write a host, such as example.org, or remove the key');
}
