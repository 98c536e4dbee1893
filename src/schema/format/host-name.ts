import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** Lowercase and in ASCII; null when it is neither an address nor a name. Underscores pass: Docker names have them. */
export function normalHost(text: string): string | null {
  if (isIP(text) !== 0) return text.toLowerCase();
  if (/^[\d.]+$/.test(text)) return null;
  const ascii = /^[\x21-\x7e]+$/.test(text) ? text.toLowerCase() : domainToASCII(text);
  const labels = ascii.replace(/\.$/, '').split('.');
  const fine = ascii.length <= 254 && labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  return fine ? ascii : null;
}
