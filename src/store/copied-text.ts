/** A copy of a text that was cut out of a longer one, and would keep all of that in memory. */
export function copiedText(text: string): string {
  return Buffer.from(text).toString();
}
