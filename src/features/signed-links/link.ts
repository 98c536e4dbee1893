/**
 * Signed links: `/files/a.pdf?expires=1767225600&signature=…`. What is signed is the target as it stands in the link, up to the signature, which is the last
 * parameter: no other spelling of a path, order of a query or parameter behind it is the same text, so that none has to be told apart.
 * In a link of a folder, `/files/album/1.jpg?folder=/files/album/&expires=…&signature=…`, the query alone is signed: it begins with no slash, and is the text
 * of no other link.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { LinkFault } from './settings.ts';

const expiresName = 'expires';
const signatureName = 'signature';
const folderName = 'folder';

export interface LinkProblem {
  readonly fault: LinkFault;
  /** One clause. */
  readonly because: string;
}

interface LinkQuestion {
  readonly nowS: number;
  /** Of the client; null: links are bound to none. */
  readonly address: string | null;
  /** Whether the path of a target lies in the folder, which ends with a slash. */
  readonly isIn: (folder: string, target: string) => boolean;
}

/** `target` is path and query without these parameters; `address`: null: of any client. */
export function signedTarget(target: string, expiresS: number, key: string, address: string | null): string {
  const text = `${target}${target.includes('?') ? '&' : '?'}${expiresName}=${expiresS}`;
  return `${text}&${signatureName}=${signatureOf(text, key, address).toString('hex')}`;
}

/** The query that lets in every path in the folder, which ends with a slash. */
export function signedFolder(folder: string, expiresS: number, key: string, address: string | null): string {
  const text = `${folderName}=${folder}&${expiresName}=${expiresS}`;
  return `${text}&${signatureName}=${signatureOf(text, key, address).toString('hex')}`;
}

function signatureOf(text: string, key: string, address: string | null): Buffer {
  return createHmac('sha256', key)
    .update(address === null ? text : `${text}\n${address}`)
    .digest();
}

/** Null: the link is valid at this time. */
export function linkProblem(
  target: string,
  keys: readonly string[],
  { nowS, address, isIn }: LinkQuestion,
): LinkProblem | null {
  const found = /^([^?]*\?(?:(.*)&)?)signature=([^&]*)$/s.exec(target);
  if (found === null) {
    const isThere = /[?&]signature=/.test(target);
    return isThere
      ? { fault: 'not_valid', because: 'something stands behind the signature of the link, where nothing may' }
      : { fault: 'missing', because: 'the link has no signature' };
  }
  const [, , query = '', written = ''] = found;
  const expires = query.split('&').filter((one) => one.startsWith(`${expiresName}=`));
  const isSignature = /^[0-9a-f]{64}$/i.test(written);
  if (!isSignature || query.includes(`${signatureName}=`))
    return { fault: 'not_valid', because: 'the signature of the link is not one of 64 hexadecimal digits' };
  const given = Buffer.from(written, 'hex');
  const isOf = (text: string): boolean => isSignedByOne(text, given, keys, address);
  const folder = folderIn(query);
  if (!isOf(target.slice(0, target.length - written.length - signatureName.length - 2))) {
    if (folder === null || !isOf(query))
      return {
        fault: 'not_valid',
        because: `the signature is of another link${address === null ? '' : ', of another address'}, or by another key`,
      };
    if (!isIn(folder, target)) return { fault: 'not_valid', because: 'the link is of another folder' };
  }
  const [, expiresS] = expires.length === 1 ? (/^expires=(\d{1,12})$/.exec(expires[0] as string) ?? []) : [];
  if (expiresS === undefined)
    return { fault: 'not_valid', because: 'the link does not say once, in seconds since 1970, when it expires' };
  if (Number(expiresS) > nowS) return null;
  return { fault: 'expired', because: `the link has expired at ${new Date(Number(expiresS) * 1000).toISOString()}` };
}

/** All keys are tried, so that the time says nothing of which one has signed. */
function isSignedByOne(text: string, given: Buffer, keys: readonly string[], address: string | null): boolean {
  let isSigned = false;
  for (const key of keys) if (timingSafeEqual(signatureOf(text, key, address), given)) isSigned = true;
  return isSigned;
}

/** Slashes may be encoded, as programs do that make queries of parameters. */
function folderIn(query: string): string | null {
  const [, written] = /^folder=([^&]*)&expires=[^&]*$/.exec(query) ?? [];
  const folder = written?.replaceAll(/%2f/gi, '/');
  return folder !== undefined && /^\/(?:.*\/)?$/s.test(folder) ? folder : null;
}
