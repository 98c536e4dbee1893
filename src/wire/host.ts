import { canonicalAddress } from './address-text.ts';
import { COLON, hexDigits, hostBytes, isDigit } from './characters.ts';

const bracketOpen = 0x5b;
const bracketClose = 0x5d;
const dot = 0x2e;

/**
 * Whether bytes [start, end) are uri-host [ ":" port ] (RFC 9110 §7.2, RFC 3986 §3.2.2), not empty and without user
 * information. Stricter where programs differ, so that no second spelling of a host passes a rule for it: a port is at
 * most 65535, an IPv6 literal must be an address without a zone, a name has no percent-encoded byte and no empty label but
 * the last.
 */
export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  const hostEnd = bytes[start] === bracketOpen ? literalEnd(bytes, start, end) : nameEnd(bytes, start, end);
  if (hostEnd <= start) return false;
  if (hostEnd === end) return true;
  return bytes[hostEnd] === COLON && isPort(bytes, hostEnd + 1, end);
}

/** Behind the registered name or IPv4 address; `start` when there is none. */
function nameEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let label = start;
  while (at < end && hostBytes[bytes[at] as number] !== 0) {
    if (bytes[at] === dot) {
      if (at === label) return start;
      label = at + 1;
    }
    at++;
  }
  return at;
}

/** Behind the "]" of an IPv6 literal; `start` when it is none. */
function literalEnd(bytes: Uint8Array, start: number, end: number): number {
  let close = start + 1;
  // The longest form, eight groups of four or one with an IPv4 tail, has 45 characters.
  while (close < end && close - start <= 46 && bytes[close] !== bracketClose) close++;
  if (bytes[close] !== bracketClose || close >= end) return start;
  return isIpv6(bytes, start + 1, close) ? close + 1 : start;
}

/** RFC 3986 §3.2.2: IPv6address. */
export function isIpv6(bytes: Uint8Array, start: number, end: number): boolean {
  let groups = 0;
  let compressed = false;
  let at = start;
  if (bytes[at] === COLON) {
    if (bytes[at + 1] !== COLON || at + 1 >= end) return false;
    compressed = true;
    at += 2;
  }
  while (at < end) {
    const from = at;
    while (at < end && hexDigits[bytes[at] as number] !== 0) at++;
    if (bytes[at] === 0x2e && at < end) {
      groups += 2;
      return isIpv4(bytes, from, end) && (compressed ? groups < 8 : groups === 8);
    }
    if (at === from || at - from > 4) return false;
    groups++;
    if (at === end) break;
    if (bytes[at] !== COLON) return false;
    at++;
    if (at === end) return false;
    if (bytes[at] === COLON) {
      if (compressed) return false;
      compressed = true;
      at++;
    }
  }
  return compressed ? groups < 8 : groups === 8;
}

export function isIpv4(bytes: Uint8Array, start: number, end: number): boolean {
  let numbers = 0;
  let at = start;
  for (;;) {
    let value = 0;
    const from = at;
    while (at < end && isDigit(bytes[at])) value = value * 10 + (bytes[at++] as number) - 0x30;
    // No leading zeros: some programs take them for octal.
    if (at === from || at - from > 3 || value > 255 || (bytes[from] === 0x30 && at - from > 1)) return false;
    numbers++;
    if (at === end) return numbers === 4;
    if (bytes[at] !== 0x2e) return false;
    at++;
  }
}

/** port = *DIGIT, so an empty one is allowed. */
function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 5) return false;
  let port = 0;
  for (let at = start; at < end; at++) {
    if (!isDigit(bytes[at])) return false;
    port = port * 10 + (bytes[at] as number) - 0x30;
  }
  return port <= 65535;
}

/**
 * One text for each authority, so that routes and applications take all its spellings for one: lowercase, without the dot
 * at a name's end (RFC 3986 §3.2.2), an IPv6 address as RFC 5952 has it, a port without leading zeros, no ":" without a
 * port. The bytes must be an authority.
 */
export function authorityText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, end).toLowerCase();
  const colon = text.lastIndexOf(':');
  if (colon <= text.lastIndexOf(']')) return hostText(text);
  const host = hostText(text.slice(0, colon));
  const port = text.slice(colon + 1);
  return port === '' ? host : `${host}:${Number(port)}`;
}

/** The host of an authority, without its port. */
export function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon < 0 || authority.endsWith(']') ? authority : authority.slice(0, colon);
}

function hostText(host: string): string {
  if (host.endsWith(']')) return literalText(host.slice(1, -1));
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

function literalText(address: string): string {
  const text = canonicalAddress(address);
  return text.includes(':') ? `[${text}]` : `[::ffff:${text}]`;
}

/** Whether two authorities name the same, the scheme's own port being the same as none. */
export function sameAuthority(a: string, b: string, scheme: 'http' | 'https'): boolean {
  if (a === b) return true;
  const port = scheme === 'http' ? ':80' : ':443';
  return withoutPort(a, port) === withoutPort(b, port);
}

function withoutPort(authority: string, port: string): string {
  return authority.endsWith(port) ? authority.slice(0, -port.length) : authority;
}
