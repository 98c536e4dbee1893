import { TextRedactor } from '../redact/text-redactor.ts';

/**
 * Whoever writes a token where its hash belongs, or in any other place, hears of it on a terminal, in a journal and over the
 * admin API. None of them is a place for it, so that each secret of what was written becomes as many asterisks.
 */

const redactor = new TextRedactor();

/** A text of any kind without the tokens and other secrets in it, as wide as before. */
export function hideTokens(text: string): string {
  return redactor.mask(text);
}

/** A path in the tree, such as `routes[0].to`. In a key that is no word, what follows a colon is a value whose space was forgotten. */
export function hideInPath(path: string): string {
  return hideTokens(path).replace(/(\["[^"\]:]+:)[^"\]]+(?="\])/g, '$1***');
}
