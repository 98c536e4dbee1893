import { canonicalAddress } from './address-text.ts';
import { isIpv4, isIpv6 } from './host.ts';

/** Whether the text is an IP address, without brackets, port or zone. */
export function isIpAddress(text: string): boolean {
  const bytes = Buffer.from(text, 'latin1');
  return isIpv4(bytes, 0, bytes.length) || isIpv6(bytes, 0, bytes.length);
}

/**
 * The address in a node name of Forwarded or a member of X-Forwarded-For: with or without a port, an IPv6 address with
 * or without brackets. It is canonical, however it was spelled. Null for anything else: "unknown", an obfuscated name,
 * rubbish.
 */
export function addressOfNode(node: string): string | null {
  const text = node.trim();
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    const address = text.slice(1, close);
    return close > 0 && isPortOrNothing(text.slice(close + 1)) && isIpAddress(address)
      ? canonicalAddress(address)
      : null;
  }
  if (isIpAddress(text)) return canonicalAddress(text);
  const colon = text.lastIndexOf(':');
  const address = text.slice(0, colon);
  return colon > 0 && !address.includes(':') && isPortOrNothing(text.slice(colon)) && isIpAddress(address)
    ? address
    : null;
}

function isPortOrNothing(text: string): boolean {
  return text === '' || /^:\d{1,5}$/.test(text);
}
