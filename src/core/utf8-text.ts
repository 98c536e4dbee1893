/** The text of a header: its bytes are read as Latin-1, and most that are not ASCII are sent as UTF-8. Bytes that are none stay as they are. */
export function utf8Text(value: string): string {
  if (!/[\x80-\xff]/.test(value) || /[^\0-\xff]/.test(value)) return value;
  try {
    return decodeURIComponent(value.replace(/[%\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`));
  } catch {
    return value;
  }
}
