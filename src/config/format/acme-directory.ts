import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { quoted, reject } from '../../schema/error-detail.ts';
import { suggestNearest } from '../nearest.ts';

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
    return reject(`${quoted(text)} is no directory of a CA`, directoryMeant(text));
  if (url.protocol === 'http:') return reject('ACME is spoken over https alone (RFC 8555 §6.1)', 'write https://');
  if (url.username !== '' || url.password !== '')
    return reject('the URL of a directory has no user and no password', 'remove them');
  return succeed(url.href);
}

/** What people call CAs. */
const otherDirectories: Readonly<Record<string, string>> = {
  zerossl: 'https://acme.zerossl.com/v2/DV90',
  google: 'https://dv.acme-v02.api.pki.goog/directory',
  gts: 'https://dv.acme-v02.api.pki.goog/directory',
};

function directoryMeant(text: string): string {
  const word = text.toLowerCase().replace(/[^a-z]/g, '');
  if (/^(?:internal|local|self(?:signed)?)$/.test(word)) return 'for certificates of a local CA write tls: internal';
  if (/^(?:letsencrypt|le|prod|live|default|true)$/.test(word)) return 'write production';
  if (/^(?:test|testing|stage)$/.test(word)) return 'write staging';
  const other = Object.hasOwn(otherDirectories, word) ? otherDirectories[word] : undefined;
  if (other !== undefined) return `write ${other}, or the URL that the CA gives`;
  return (
    suggestNearest(text, Object.keys(knownDirectories), 1) ?? 'write production, staging, or the URL that the CA gives'
  );
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
