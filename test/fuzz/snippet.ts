/**
 * Formats bytes as a block of the conformance documents (test/conformance/README.md), with a verdict to fill in, so
 * that a finding becomes a case.
 */
export function snippetOf(bytes: Uint8Array, kind: 'request' | 'response', method = 'GET'): string {
  const info = kind === 'response' && method !== 'GET' ? `response to ${method}` : kind;
  const lines = Buffer.from(bytes).toString('latin1').split('\r\n').map(escaped);
  const last = lines.pop();
  if (last !== undefined && last !== '') lines.push(`${last}\\`);
  return ['```http ' + info, ...lines, '```', '', '```verdict', '…', '```'].join('\n');
}

const letters: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\0': '\\0', '\\': '\\\\' };

function escaped(line: string): string {
  const text = line.replace(/[^ -~]|\\/g, (byte) => letters[byte] ?? `\\x${hex(byte)}`);
  // Editors would remove a space at the end of a line.
  return text.replace(/ $/, '\\x20');
}

function hex(byte: string): string {
  return byte.charCodeAt(0).toString(16).padStart(2, '0');
}
