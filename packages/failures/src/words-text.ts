import type { LastWords } from './last-words.ts';

/** What a sentence says of the last words of a program. */
export type SaidWords = Pick<LastWords, 'error'> & Partial<Pick<LastWords, 'cause' | 'position'>>;

/**
 * The last words in a sentence: what was printed, in quotes, what it was caused by, and where, relative to the directory of the program:
 * `"RuntimeError: no pool", caused by "KeyError: 'url'" (config.py:4)`.
 */
export function wordsText({ error, cause = null, position = null }: SaidWords, directory: string): string {
  const place = position === null ? null : placeOf(position, directory);
  const caused = cause === null ? '' : `, caused by "${cause}"`;
  // Ruby and PHP say it themselves.
  const isSaid = place === null || `${error} ${cause ?? ''}`.includes(place);
  return `"${error}"${caused}${isSaid ? '' : ` (${place})`}`;
}

/** File and line of a position in any of the forms that runtimes print; null: it names no line. */
function placeOf(position: string, directory: string): string | null {
  const [, file, line] = /(?:^|\(|\bin )([^()]*?):(?:line )?(\d+)(?::\d+)?(?::in .*)?\)?$/.exec(position) ?? [];
  // `[eval]` and `<stdin>` are no files.
  if (file === undefined || line === undefined || /^[[<]/.test(file)) return null;
  const path = file.replace(/^file:\/\//, '');
  const within = directory.endsWith('/') ? directory : `${directory}/`;
  return `${path.startsWith(within) ? path.slice(within.length) : path.replace(/^\.\//, '')}:${line}`;
}
