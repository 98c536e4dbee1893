/**
 * A text as the value of a header. What is no visible ASCII, and "%", becomes bytes in UTF-8, percent-encoded: no name of a user can begin
 * another header, or be read as that of another user.
 */
export function headerValueOf(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]+|%|^ +| +$/gu, (part) => {
    const bytes = new TextEncoder().encode(part);
    return [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  });
}

/** A comma within one of the values must not look like two. */
export function headerListOf(texts: readonly string[]): string {
  return texts.map((text) => headerValueOf(text).replaceAll(',', '%2C')).join(',');
}
