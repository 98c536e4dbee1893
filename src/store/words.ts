/** Longer words are shortened: nobody types them, and an index of them grows without use. */
export const wordCharactersMax = 40;

/** The words of a text: runs of letters and digits, in lower case. */
export function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.map((word) => word.slice(0, wordCharactersMax));
}
