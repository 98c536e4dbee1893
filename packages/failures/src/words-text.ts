import { type LastWords, lastWords } from './last-words.ts';

/** What a sentence says of the last words of a program. */
export type SaidWords = Pick<LastWords, 'error'> & Partial<Pick<LastWords, 'cause' | 'position'>>;

/**
 * The last words in a sentence: what was printed, in quotes, what it was caused by, and where, relative to the directory of the program:
 * `"RuntimeError: no pool", caused by "KeyError: 'url'" (config.py:4)`.
 */
export function wordsText(words: SaidWords, directory: string): string {
  const { error, cause = null, position = null } = { ...words, ...loggedWords(words.error) };
  const at = position === null ? null : fileAndLine(position, directory);
  const caused = cause === null ? '' : `, caused by "${cause}"`;
  // Ruby and PHP say it themselves.
  const isSaid = at === null || `${error} ${cause ?? ''}`.includes(at);
  return `"${error}"${caused}${isSaid ? '' : ` (${at})`}`;
}

/** What a line of a log in JSON says: its message, and the error that it is about, with the place that this has. Null: it is none. */
function loggedWords(line: string): SaidWords | null {
  if (!line.startsWith('{')) return null;
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null; // it was cut, or is no JSON
  }
  const about = fields['err'] ?? fields['error'] ?? fields['exception'];
  const { message, stack } = (typeof about === 'object' ? about : { message: about }) as Record<string, unknown>;
  const said = [fields['msg'] ?? fields['message'], message].filter(
    (text, index, all): text is string => typeof text === 'string' && text !== '' && all.indexOf(text) === index,
  );
  if (said.length === 0) return null;
  const position = typeof stack === 'string' ? (lastWords(stack.split('\n'))?.position ?? null) : null;
  return { error: said.join(': '), position };
}

/** File and line of a position in any of the forms that runtimes print; null: it names no line. */
function fileAndLine(position: string, directory: string): string | null {
  const [, file, line] = /(?:^|\(|\bin )([^()]*?):(?:line )?(\d+)(?::\d+)?(?::in .*)?\)?$/.exec(position) ?? [];
  // `[eval]` and `<stdin>` are no files.
  if (file === undefined || line === undefined || /^[[<]/.test(file)) return null;
  const path = file.replace(/^file:\/\//, '');
  const within = directory.endsWith('/') ? directory : `${directory}/`;
  return `${path.startsWith(within) ? path.slice(within.length) : path.replace(/^\.\//, '')}:${line}`;
}
