const perLine = 16;

/** Octets in hexadecimal, sixteen a line, with their offset and what of them is ASCII: 68 columns after `indent`. */
export function hexdump(octets: Uint8Array, indent = ''): string[] {
  const lines: string[] = [];
  for (let start = 0; start < octets.length; start += perLine) {
    const row = [...octets.subarray(start, start + perLine)];
    const pairs = row.map((octet) => octet.toString(16).padStart(2, '0'));
    const halves = `${pairs.slice(0, 8).join(' ')}  ${pairs.slice(8).join(' ')}`;
    const text = row.map((octet) => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.')).join('');
    lines.push(`${indent}${start.toString(16).padStart(4, '0')}  ${halves.padEnd(48)}  |${text}|`);
  }
  return lines;
}
