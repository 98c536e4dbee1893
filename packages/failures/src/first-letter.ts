/** A clause as the beginning of a sentence. */
export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A sentence as a part of another one. */
export function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** A clause as a sentence of its own; a full stop that it has already is not doubled. */
export function sentenceOf(clause: string): string {
  return `${upperFirst(clause)}${/[.!?]$/.test(clause) ? '' : '.'}`;
}
