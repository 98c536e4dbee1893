/**
 * Text from outside as it may stand in a header value: visible ASCII and spaces, everything else replaced by
 * "?", at most `max` characters. Nothing that could end a header line or a structured field's string remains.
 */
export function visibleText(text: string, max: number): string {
  return text.slice(0, max).replace(/[^\x20-\x7e]/g, '?');
}
