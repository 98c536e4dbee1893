const perLine = 16;

/** Bytes in hexadecimal, sixteen a line, with their offset and their ASCII characters: 68 columns after `indent`. */
export function hexdump(bytes: Uint8Array, indent = ''): string[] {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += perLine) {
    const row = [...bytes.subarray(start, start + perLine)];
    const pairs = row.map((byte) => byte.toString(16).padStart(2, '0'));
    const halves = `${pairs.slice(0, 8).join(' ')}  ${pairs.slice(8).join(' ')}`;
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${indent}${start.toString(16).padStart(4, '0')}  ${halves.padEnd(48)}  |${text}|`);
  }
  return lines;
}
