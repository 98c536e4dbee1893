import { canonicalAddress } from './address-text.ts';
import { isIpv4, isIpv6 } from './host.ts';

/** Whether the text is an IP address, without brackets, port or zone. */
export function isIpAddress(text: string): boolean {
  const bytes = Buffer.from(text, 'latin1');
  return isIpv4(bytes, 0, bytes.length) || isIpv6(bytes, 0, bytes.length);
}

/**
 * The address in a node name of Forwarded or a member of X-Forwarded-For: with or without a port, an IPv6 address with
 * or without brackets and zone. It is canonical, however it was spelled. Null for anything else: "unknown", an obfuscated name,
 * rubbish.
 */
export function addressOfNode(node: string): string | null {
  const text = withoutZone(node.trim());
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

/** RFC 4007 §11: of a link-local address it names an interface of the machine that has written it. */
function withoutZone(text: string): string {
  const at = text.indexOf('%');
  const before = text.slice(0, Math.max(0, at));
  if (before.includes(']') || before.split(':', 3).length < 3) return text;
  return before + text.slice(at).replace(/^%[\w.-]+(?=\]|$)/, '');
}

function isPortOrNothing(text: string): boolean {
  return text === '' || /^:\d{1,5}$/.test(text);
}
