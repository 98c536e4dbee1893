import { isIPv4, isIPv6 } from 'node:net';
import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { reject, quoted } from '../error-detail.ts';

/** `10.0.0.0/8`, `fd00::/8`, or one address, into CIDR notation whose host bits are zero. */
export function parseNetwork(text: string): Result<string, ErrorDetail> {
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const bits = isIPv4(address) ? 32 : isIPv6(address) && !address.includes('%') ? 128 : 0;
  if (bits === 0) return reject(`${quoted(text)} is not a network`, networkAdvice(text));
  const length = slash === -1 ? String(bits) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) {
    const meant = bits === 32 ? lengthOfMask(length) : null;
    return reject(
      `the prefix length of ${quoted(text)} is not a number from 0 to ${bits}`,
      meant === null ? `write ${address}/${bits} for this one address` : `write ${address}/${meant}`,
    );
  }
  const words = bits === 32 ? ipv4Bytes(address) : ipv6Words(address);
  const masked = maskWords(words, bits === 32 ? 8 : 16, Number(length));
  if (masked.every((word, at) => word === words[at])) return succeed(`${address.toLowerCase()}/${Number(length)}`);
  const network = bits === 32 ? masked.join('.') : compressIpv6(masked);
  return reject(
    `${quoted(text)} has bits beyond its prefix length`,
    `write ${network}/${Number(length)} for the network, or ${address}/${bits} for the one address`,
  );
}

function networkAdvice(text: string): string {
  if (/^(?:all|any|\*)$/i.test(text))
    return 'all addresses are 0.0.0.0/0 and ::/0; what no "allow" names is refused anyway';
  if (text.toLowerCase() === 'localhost') return 'write 127.0.0.1 and ::1';
  const blocks = /^((?:\d{1,3}\.){1,3})(?:\*\.?){1,3}$/.exec(text)?.[1]?.split('.').slice(0, -1);
  if (blocks !== undefined) return `write ${[...blocks, 0, 0, 0].slice(0, 4).join('.')}/${blocks.length * 8}`;
  if (/^\S+\s*-\s*\S+$/.test(text) && text.split('-').every((end) => isIPv4(end.trim()) || isIPv6(end.trim())))
    return 'write the address blocks that make up this range, such as 10.0.0.0/30';
  return 'write an address block such as 10.0.0.0/8, or one address';
}

/** Of `255.255.255.0`; null: it is no mask. */
function lengthOfMask(mask: string): number | null {
  if (!isIPv4(mask)) return null;
  const digits = ipv4Bytes(mask)
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(digits) ? digits.lastIndexOf('1') + 1 : null;
}

function maskWords(words: readonly number[], width: number, length: number): number[] {
  return words.map((word, at) => {
    const kept = Math.min(width, Math.max(0, length - at * width));
    return word & ~(2 ** (width - kept) - 1) & (2 ** width - 1);
  });
}

function ipv4Bytes(address: string): number[] {
  return address.split('.').map(Number);
}

/** The eight groups of a valid IPv6 address. */
function ipv6Words(address: string): number[] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const [a = 0, b = 0, c = 0, d = 0] = dotted === null ? [] : ipv4Bytes(dotted[2]!);
  const plain = dotted === null ? address : `${dotted[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return groups(head);
  const [left, right] = [groups(head), groups(tail)];
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** RFC 5952 §4.2, as far as a network needs it: its zeros stand at the end. */
function compressIpv6(words: readonly number[]): string {
  const text = words.map((word) => word.toString(16)).join(':');
  return text.replace(/(?::0)+$/, '::').replace(/^0::$/, '::');
}
