import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { reject, quoted } from '../error-detail.ts';

/** What only a shell would understand, outside of quotes. */
const shellOnly = /^(?:&&|\|\|?|;|>>?|<|&)|^\$\(|^`/;

/**
 * A command in words as a shell would split it: spaces part, quotes and backslashes keep together.
 * Nothing is expanded and no shell runs, so anything that needs one is refused rather than passed as text.
 */
export function splitCommandLine(text: string): Result<string[], ErrorDetail> {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (quote !== null) {
      if (character === quote) quote = null;
      else if (character === '\\' && quote === '"' && '"\\'.includes(text[at + 1] ?? ' ')) word += text[(at += 1)]!;
      else word += character;
    } else if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '\\' && at + 1 < text.length) {
      word = (word ?? '') + text[(at += 1)]!;
    } else if (shellOnly.test(text.slice(at, at + 2))) {
      return reject(
        `${quoted(/^\W+/.exec(text.slice(at, at + 2))![0].trim())} is for a shell, and none runs here`,
        `write [sh, -c, ${quoted(text)}]`,
      );
    } else word = (word ?? '') + character;
  }
  if (quote !== null) return reject(`the command has an opening ${quote} without a closing one`);
  if (word !== null) words.push(word);
  if (words.length === 0)
    return reject('the command is empty', 'write the program and its arguments, such as node server.js');
  if (/^[A-Za-z_]\w*=/.test(words[0]!)) {
    return reject(`${quoted(words[0])} sets a variable, which only a shell does`, 'write it under "environment"');
  }
  return succeed(words);
}
