import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { type ErrorDetail, quoted, reject } from '../../../schema/error-detail.ts';

/** The URL by which a provider calls itself (OpenID Connect Discovery §3), as it is written: it is compared letter by letter. */
export function parseIssuer(written: string): Result<string, ErrorDetail> {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol))
    return reject(`${quoted(written)} is no URL of a provider`, 'write it with https://, as the provider calls itself');
  if (url.username !== '' || url.password !== '')
    return reject('the URL has a user or a password', 'write "client_id" and "client_secret_file" in their place');
  if (url.pathname.includes('/.well-known/'))
    return reject(
      'this is the document of the provider, and not the provider',
      `write ${written.replace(/\/\.well-known\/.*/s, '')}`,
    );
  if (url.search !== '' || url.hash !== '')
    return reject('an issuer has no "?" and no "#"', 'write the URL that the provider calls "issuer"');
  return succeed(written);
}

/** It is compared with paths in their normal form, and stands in cookies, pages and Location. */
export function parseLoginPath(written: string): Result<string, ErrorDetail> {
  const path = written.replace(/\/$/, '');
  if (/^(?:\/[\w.~-]+)+$/.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path)) return succeed(path);
  return reject(
    `${quoted(written)} is no path for the login`,
    'write a path such as /.candor/login, of letters, digits, ".", "_", "~" and "-"',
  );
}

/** A host as it stands in URLs of the provider, with its port where that is not the usual one. */
export function parseProviderHost(written: string): Result<string, ErrorDetail> {
  const url = URL.parse(`https://${written}`);
  if (url !== null && url.host === written && url.href === `https://${url.host}/`) return succeed(url.host);
  return reject(`${quoted(written)} is no host of a provider`, 'write host, or host:port, in lowercase');
}
