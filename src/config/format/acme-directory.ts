import type { Result } from '../../core/result.ts';
import { succeed } from '../../core/result.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { quoted, reject } from '../error-detail.ts';

/** Let's Encrypt: https://letsencrypt.org/docs/acme-protocol-updates/, https://letsencrypt.org/docs/staging-environment/ */
export const knownDirectories = {
  production: 'https://acme-v02.api.letsencrypt.org/directory',
  staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
} as const;

/** `production`, `staging`, or the URL of a CA's directory (RFC 8555 §7.1.1). */
export function parseAcmeDirectory(text: string): Result<string, ErrorDetail> {
  if (text === 'production' || text === 'staging') return succeed(knownDirectories[text]);
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    return reject(`${quoted(text)} is no directory of a CA`, 'write production, staging, or the URL that the CA gives');
  if (url.protocol === 'http:') return reject('ACME is spoken over https alone (RFC 8555 §6.1)', 'write https://');
  if (url.username !== '' || url.password !== '')
    return reject('the URL of a directory has no user and no password', 'remove them');
  return succeed(url.href);
}

/** The URL of an endpoint that is asked about names. It may be in clear text: it is most often on this machine. */
export function parseAskUrl(text: string): Result<string, ErrorDetail> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    return reject(`${quoted(text)} is no URL`, 'write one such as http://127.0.0.1:3000/may-have-certificate');
  if (url.username !== '' || url.password !== '') return reject('the URL has no user and no password', 'remove them');
  if (url.hash !== '') return reject('what follows "#" is not sent', 'remove it');
  return succeed(url.href);
}

/** An address of mail, as far as a typing mistake shows. */
export function parseMailAddress(text: string): Result<string, ErrorDetail> {
  const address = text.replace(/^mailto:/i, '');
  // A comma or "?" would begin another part of a mailto URL (RFC 6068), which CAs refuse.
  if (/^[^\s@,?<>"]+@[^\s@,?<>".]+(?:\.[^\s@,?<>".]+)+$/.test(address) && address.length <= 254)
    return succeed(address);
  return reject(`${quoted(text)} is no mail address`, 'write one such as ops@example.org, or remove the key');
}
