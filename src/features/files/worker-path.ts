/** Where a request leads below the folder of its route. */
export type FilePath =
  | {
      /** Without a slash at its beginning; '' for the folder itself. */
      readonly path: string;
      /** The request asks for a folder. */
      readonly isFolder: boolean;
    }
  | 'missing'
  | 'hidden';

/** Systems have no longer paths, nor longer names. */
const pathBytesMax = 4000;

/**
 * The file for a path in its normal form, which has no dot segments. Each segment is decoded once: what then still could lead elsewhere is
 * no name of a file. A file whose name begins with a dot is hidden, but for those of /.well-known (RFC 8615).
 */
export function filePathOf(path: string): FilePath {
  if (path.length > pathBytesMax || !path.startsWith('/')) return 'missing';
  const segments = path.slice(1).split('/');
  const isFolder = segments.at(-1) === '';
  if (isFolder) segments.pop();
  const names: string[] = [];
  for (const segment of segments) {
    const name = segment.includes('%') ? decoded(segment) : latin(segment);
    if (name === null || name === '' || /[/\\\0]/.test(name)) return 'missing';
    names.push(name);
  }
  if (isHidden(names)) return 'hidden';
  return { path: names.join('/'), isFolder };
}

export function isHidden(names: readonly string[]): boolean {
  const [first, ...others] = names;
  return (first?.startsWith('.') === true && first !== '.well-known') || others.some((name) => name.startsWith('.'));
}

const usualPrograms = /\.(?:php\d?|phtml|pht|phps)(?:~|\.(?:bak|old|orig|save|sav|swp|dist|tmp|\d))?(?:\/|$)/i;

/**
 * Whether a name of the path is that of a program, of any spelling: a file system may not tell capital letters apart, what follows the name is
 * PATH_INFO, and `x.php~`, `x.php.bak`, `x.php.gz` and `x.php7` have the text of a program too. `ending`: null: the route runs none, and only what is PHP beyond doubt is one: a copy of a
 * site has pages such as `index.php.html`.
 */
export function isProgram(path: string, ending: string | null): boolean {
  if (usualPrograms.test(path)) return true;
  if (ending === null) return false;
  const [text, wanted] = [path.toLowerCase(), ending.toLowerCase()];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1))
    if (!/[a-z]/.test(text[at + wanted.length] ?? '')) return true;
  return false;
}

/** Null: it is no UTF-8, or no percent-encoding. */
function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment.replaceAll(/[\x80-\xff]+/g, (bytes) => latin(bytes) ?? '\uFFFD'));
  } catch {
    return null;
  }
}

/** Each character of a target is one byte; null: the bytes are no UTF-8. */
function latin(text: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is any byte of ASCII.
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  const read = Buffer.from(text, 'latin1').toString('utf8');
  return read.includes('\uFFFD') ? null : read;
}
