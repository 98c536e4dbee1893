import type { JSX } from 'preact';

/** Bytes with their ASCII characters. `label` says what they are. */
export function Bytes({ hex, label }: { readonly hex: string; readonly label: string }): JSX.Element {
  return (
    <pre tabIndex={0} aria-label={label}>
      {hexText(hex)}
    </pre>
  );
}

/** Sixteen bytes a line, with their ASCII characters. */
function hexText(hex: string): string {
  const pairs = hex.match(/../g) ?? [];
  const lines: string[] = [];
  for (let start = 0; start < pairs.length; start += 16) {
    const row = pairs.slice(start, start + 16);
    const text = row
      .map((pair) => Number.parseInt(pair, 16))
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
    lines.push(`${row.join(' ').padEnd(48)} ${text.join('')}`);
  }
  return lines.join('\n');
}
