/** The 4 or 16 bytes of a literal address. Null for any other text. */
export function parseIp(text: string): Uint8Array | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null;
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): Uint8Array | null {
  const plain = text.replace(/%.*$/, '').replace(/(?<=:)[\d.]+\.[\d.]+$/, (dotted) => groupsOf(dotted) ?? dotted);
  const halves = plain.split('::');
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...head, ...new Array<string>(missing).fill('0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

/** The key under which an address is counted: of IPv6 only the first bits, because they belong to one customer. */
export function addressKey(address: string, ipv6PrefixBits: number): string {
  if (!address.includes(':')) return address;
  const bytes = parseIp(address);
  if (bytes === null) return address.slice(0, 48);
  let key = '';
  for (let bit = 0; bit < ipv6PrefixBits; bit += 8) {
    const mask = 0xff << Math.max(0, 8 - (ipv6PrefixBits - bit));
    key += ((bytes[bit >> 3] ?? 0) & mask & 0xff).toString(16).padStart(2, '0');
  }
  return `${key}/`;
}

/** `192.0.2.1` as two groups of an IPv6 address (RFC 4291 §2.2). */
function groupsOf(dotted: string): string | null {
  const bytes = parseIpv4(dotted);
  if (bytes === null) return null;
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/**
 * IPv4 inside of IPv6, where connecting to one may reach the other: mapped and compatible (RFC 4291 §2.5.5), translated
 * (RFC 7915), NAT64 (RFC 6052, RFC 8215) and 6to4 (RFC 3056).
 */
export function innerIpv4(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length !== 16) return null;
  if (isWithin(bytes, sixToFour)) return bytes.subarray(2, 6);
  return embedding.some((block) => isWithin(bytes, block)) ? bytes.subarray(12) : null;
}

/** A block of addresses: those whose first `bits` bits are the same. */
export interface IpBlock {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** `10.0.0.0/8`, `fd00::/8`, or one address. Null for any other text. */
export function parseBlock(text: string): IpBlock | null {
  const [address = '', length] = text.split('/');
  const bytes = parseIp(address);
  if (bytes === null) return null;
  const bits = length === undefined ? bytes.length * 8 : Number(length);
  return Number.isInteger(bits) && bits >= 0 && bits <= bytes.length * 8 ? { bytes, bits } : null;
}

/** Blocks that stand in the code, or that the configuration has checked. */
export function parseBlocks(...texts: readonly string[]): readonly IpBlock[] {
  return texts.map(parseBlock).filter((block) => block !== null);
}

export function isWithin(bytes: Uint8Array, { bytes: block, bits }: IpBlock): boolean {
  if (bytes.length !== block.length) return false;
  const whole = bits >> 3;
  for (let at = 0; at < whole; at++) if (bytes[at] !== block[at]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  const mask = 0xff << (8 - rest);
  return ((bytes[whole] ?? 0) & mask) === ((block[whole] ?? 0) & mask);
}

/** The blocks whose addresses end with an IPv4 address. */
const embedding = parseBlocks('::ffff:0:0/96', '::ffff:0:0:0/96', '::/96', '64:ff9b::/96', '64:ff9b:1::/48');
const sixToFour = parseBlock('2002::/16') as IpBlock;
