import { CR, LF } from './characters.ts';
import { isIpAddress } from './address.ts';
import { canonicalAddress, ipv6Text } from './address-text.ts';

/**
 * The PROXY protocol, versions 1 and 2 (HAProxy, "The PROXY protocol", §2): what a trusted balancer in front of us says
 * of the client before the client's own bytes. Extensions (TLVs) are passed over.
 */
export type ProxyHeader =
  | { readonly state: 'partial' }
  /**
   * `source` is null where the balancer speaks for itself (LOCAL, UNKNOWN) or names no IP address. Its address is
   * canonical: a balancer with one socket for both families names clients of IPv4 as mapped addresses, which would all
   * be of one prefix.
   */
  | {
      readonly state: 'done';
      readonly consumed: number;
      readonly source: { readonly address: string; readonly port: number } | null;
    }
  | { readonly state: 'refused' };

const signature1 = 'PROXY ';
const signature2 = '\r\n\r\n\0\r\nQUIT\n';

/** §2.1: the longest line of version 1, CR LF included. */
const line1BytesMax = 107;

/** §2.2: 12 bytes of signature, then version and command, family, length. */
const head2Bytes = 16;

/**
 * What follows: addresses of 36 bytes at most, and TLVs. Most have some hundred bytes (a certificate's name, an AWS endpoint); a client's
 * whole certificate (§2.2.6) has some KB, with a signature against quantum computers up to 10. The protocol allows 65,535.
 */
const rest2BytesMax = 16 * 1024;

/** The largest header that is accepted. */
export const proxyHeaderBytesMax: number = head2Bytes + rest2BytesMax;

const partial: ProxyHeader = { state: 'partial' };
const refused: ProxyHeader = { state: 'refused' };

/** Parses the header at the beginning of bytes [start, end). It is small: with more bytes, call again from its start. */
export function parseProxyProtocol(bytes: Uint8Array, start: number, end: number): ProxyHeader {
  if (start === end) return partial;
  if (bytes[start] === CR) return parseVersion2(bytes, start, end);
  return parseVersion1(bytes, start, end);
}

function parseVersion1(bytes: Uint8Array, start: number, end: number): ProxyHeader {
  if (!beginsWith(bytes, start, end, signature1)) return refused;
  const stop = Math.min(end, start + line1BytesMax);
  let at = start;
  while (at < stop && bytes[at] !== CR) at++;
  if (at + 1 >= stop) return stop - start === line1BytesMax ? refused : partial;
  if (bytes[at + 1] !== LF) return refused;
  const words = Buffer.from(bytes.subarray(start, at)).toString('latin1').split(' ');
  const consumed = at + 2 - start;
  if (words[1] === 'UNKNOWN') return { state: 'done', consumed, source: null };
  return version1Source(words, consumed);
}

/** PROXY TCP4|TCP6 source destination source-port destination-port, one space between each. */
function version1Source(words: readonly string[], consumed: number): ProxyHeader {
  const [, family, address = '', destination = '', port = '', destinationPort = ''] = words;
  if (words.length !== 6 || (family !== 'TCP4' && family !== 'TCP6')) return refused;
  if (!isOfFamily(address, family) || !isOfFamily(destination, family)) return refused;
  if (!isPort(port) || !isPort(destinationPort)) return refused;
  return { state: 'done', consumed, source: { address: canonicalAddress(address), port: Number(port) } };
}

function isOfFamily(address: string, family: 'TCP4' | 'TCP6'): boolean {
  return address.includes(':') === (family === 'TCP6') && isIpAddress(address);
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535;
}

function parseVersion2(bytes: Uint8Array, start: number, end: number): ProxyHeader {
  if (!beginsWith(bytes, start, end, signature2)) return refused;
  if (end - start < head2Bytes) return partial;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const versionAndCommand = view.getUint8(12);
  const family = view.getUint8(13);
  const length = view.getUint16(14);
  if (versionAndCommand >> 4 !== 2 || (versionAndCommand & 0x0f) > 1 || length > rest2BytesMax) return refused;
  const consumed = head2Bytes + length;
  if (end - start < consumed) return partial;
  // LOCAL: a health check of the balancer's own.
  if ((versionAndCommand & 0x0f) === 0) return { state: 'done', consumed, source: null };
  if (family === 0x11) return length < 12 ? refused : { state: 'done', consumed, source: ipv4Source(view) };
  if (family === 0x21) return length < 36 ? refused : { state: 'done', consumed, source: ipv6Source(view) };
  return { state: 'done', consumed, source: null }; // UNSPEC, UDP, UNIX: no address of a TCP client.
}

function ipv4Source(view: DataView): { readonly address: string; readonly port: number } {
  const numbers = [16, 17, 18, 19].map((at) => view.getUint8(at));
  return { address: numbers.join('.'), port: view.getUint16(24) };
}

function ipv6Source(view: DataView): { readonly address: string; readonly port: number } {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(16 + index * 2));
  return { address: ipv6Text(groups), port: view.getUint16(48) };
}

/** As far as bytes have come. */
function beginsWith(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  const length = Math.min(end - start, text.length);
  for (let index = 0; index < length; index++) if (bytes[start + index] !== text.charCodeAt(index)) return false;
  return true;
}
