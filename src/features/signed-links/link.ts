/**
 * Signed links: `/files/a.pdf?expires=1767225600&signature=…`. What is signed is the target as it stands in the link, up to the signature, which is the last
 * parameter: no other spelling of a path, order of a query or parameter behind it is the same text, so that none has to be told apart.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { LinkFault } from './settings.ts';

const expiresName = 'expires';
const signatureName = 'signature';

export interface LinkProblem {
  readonly fault: LinkFault;
  /** One clause. */
  readonly because: string;
}

/** `target` is path and query without these parameters; `address`: null: of any client. */
export function signedTarget(target: string, expiresS: number, key: string, address: string | null): string {
  const text = `${target}${target.includes('?') ? '&' : '?'}${expiresName}=${expiresS}`;
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
  { nowS, address }: { readonly nowS: number; readonly address: string | null },
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
  const text = target.slice(0, target.length - written.length - signatureName.length - 2);
  const given = Buffer.from(written, 'hex');
  // All keys are tried, so that the time says nothing of which one has signed.
  let isSigned = false;
  for (const key of keys) if (timingSafeEqual(signatureOf(text, key, address), given)) isSigned = true;
  if (!isSigned)
    return {
      fault: 'not_valid',
      because: `the signature is of another link${address === null ? '' : ', of another address'}, or by another key`,
    };
  const [, expiresS] = expires.length === 1 ? (/^expires=(\d{1,12})$/.exec(expires[0] as string) ?? []) : [];
  if (expiresS === undefined)
    return { fault: 'not_valid', because: 'the link does not say once, in seconds since 1970, when it expires' };
  if (Number(expiresS) > nowS) return null;
  return { fault: 'expired', because: `the link has expired at ${new Date(Number(expiresS) * 1000).toISOString()}` };
}
