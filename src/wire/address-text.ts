/**
 * One text for each IP address, so that code that compares, counts or writes addresses treats two spellings as one: an
 * IPv6 address as RFC 5952 §4 has it, and one that only carries an IPv4 address (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2)
 * as that. `address` must be an IP address; one of IPv4 has but one spelling.
 */
export function canonicalAddress(address: string): string {
  return address.includes(':') ? ipv6Text(ipv6Groups(address)) : address;
}

/** The same of an IPv6 address's eight groups of 16 bits. */
export function ipv6Text(groups: readonly number[]): string {
  return ipv4Within(groups) ?? compressed(groups);
}

function ipv4Within(groups: readonly number[]): string | null {
  if (groups[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0)) return null;
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}

/** The eight groups of 16 bits of an IPv6 address, which may end as an IPv4 address is written. */
export function ipv6Groups(address: string): readonly number[] {
  const [head = '', tail] = address.split('::');
  const [before, behind] = [groupsIn(head), groupsIn(tail ?? '')];
  const left = tail === undefined ? 0 : 8 - before.length - behind.length;
  return [...before, ...new Array<number>(left).fill(0), ...behind];
}

function groupsIn(part: string): readonly number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => (group.includes('.') ? ipv4Groups(group) : [Number.parseInt(group, 16)]));
}

/** RFC 4291 §2.2: the last two groups may be written as an IPv4 address. */
function ipv4Groups(address: string): readonly number[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return [(a << 8) | b, (c << 8) | d];
}

/** RFC 5952 §4: lowercase, no leading zeros, the first longest run of two or more zero groups as "::". */
function compressed(groups: readonly number[]): string {
  const [start, length] = longestZeroRun(groups);
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function longestZeroRun(groups: readonly number[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best[1]) best = [start, length];
  }
  return best;
}
