import { isSecretName, isSecretNameInProse } from './secret-name.ts';
import { type Span, spansBehind } from './span.ts';
import { bareEnd, quotedValue, structureEnd, valueAt } from './value-end.ts';

/** A name, with any closing quotes or brackets, and the sign that sets its value: `=`, `:`, `=>`, or `=` percent-encoded. */
const setting = /(?<![\w.-])([\w.-]+)((?:\\{0,3}["'`])?\]?\s{0,4}(?:={1,3}>?|:=?|%3d)[ \t]{0,4})/gi;

/** Values that are not secrets and that help the reader, such as a variable that is `undefined`; and beginnings of structures. */
const noSecret = /^(?:true|false|null|undefined|none|nil|yes|no|[[{(|>]+[-+]?)$/i;

/** A name before a colon and a space is a setting in YAML, but usually a word in prose. */
export type ColonMeans = 'prose' | 'setting';

/** Finds values of `name=value`, `name: value` and `"name": "value"` whose name marks a secret. */
export function namedValueSpans(text: string, colonMeans: ColonMeans = 'prose'): readonly Span[] {
  return spansBehind(
    setting,
    text,
    (found, start, known) => {
      const [, name = '', separator = ''] = found;
      if (separator === ':' && port.test(text.slice(start, start + 6))) return null;
      const isProse = colonMeans === 'prose' && beforeColon.test(separator);
      if (isProse && !isSecretNameInProse(name)) return weaklyNamed(text, found, start, known);
      if (!isProse && !isSecretName(name)) return null;
      if (colonMeans === 'prose' && start >= known && isSecretNameInProse(name)) {
        const end = structureEnd(text, start);
        if (end !== null) return { start, end };
      }
      return valueFrom(text, start, known, endsSetting);
    },
    ([, name = '', separator = ''], secret) =>
      noSecret.test(secret) ||
      (colonMeans === 'prose' && sign.test(secret)) ||
      (colonMeans === 'prose' && beforeColon.test(separator) && !isSecretNameInProse(name) && isUsualText(secret)) ||
      (/tokens$/i.test(name) && /^\d{1,9}$/.test(secret)) ||
      // A count of tests, and the place of a plug or of a pin of a chip.
      (/^(?:pass|pin|sid)$/i.test(name) && (/^\d{1,3}$/.test(secret) || /^ok$/i.test(secret))) ||
      (/^(?:old)?pwd$/i.test(name) && secret.startsWith('/')),
  );
}

/** A colon behind a name without quotes. */
const beforeColon = /^:(?:[ \t]|$)/;

/** The value of a name that is usually a word in prose before a colon: `auth`, `pass`. An object is searched for names of its own. */
function weaklyNamed(
  text: string,
  { index, 1: name = '', 2: separator = '' }: RegExpExecArray,
  start: number,
  known: number,
): Span | null {
  if (!isSecretName(name) || /[[{(<|…]/.test(text[start] ?? '')) return null;
  const isQuoted = /["'`\\]/.test(text[start] ?? '');
  // Without a space it is a tag or a service, as in `auth:v1.2.3`, but for a structure as Go prints it.
  if (separator === ':' && !isQuoted && !isInStructure(text, index)) return null;
  return valueFrom(text, start, known, endsSetting);
}

/** Further back no structure is looked for. */
const structureCharactersMax = 256;

function isInStructure(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - structureCharactersMax), at);
  const last = (one: string, other: string) => Math.max(before.lastIndexOf(one), before.lastIndexOf(other));
  return last('{', '[') > last('}', ']');
}

/** What a parser did not expect: `Unexpected token: '}'`. */
const sign = /^[^\p{L}\p{N}\s…]{1,2}$/u;

/** Shorter texts behind a word and a colon are rarely secrets. */
const secretMin = 8;
const words = /^[A-Z]?[a-z]+(?:[-_./ ]{1,2}[A-Za-z][a-z]*)*[.,;:!?]*$/;
const numbers = /^[\d.,:/+-]+(?:T[\d.:+-]+Z?)?$/;
/** `ECONNREFUSED`, `NOT_FOUND`, `TokenExpiredError:`. */
const codes = /^(?:E[A-Z]{3,14}|[A-Z]{2,16}(?:_[A-Z]{2,16})+|[A-Za-z]+(?:Error|Exception))[.,;:]?$/;

/** What stands behind a word and a colon in prose: few characters, words, numbers, codes, addresses, whose own secrets are found by themselves. */
function isUsualText(text: string): boolean {
  return (
    text.length < secretMin || words.test(text) || numbers.test(text) || codes.test(text) || /^https?:\/\//.test(text)
  );
}

/** `auth:3000` is a service that has that name, as in `connect to auth:3000 refused`. */
const port = /^\d{1,5}(?!\w)/;

function valueFrom(text: string, start: number, known: number, isEnd: (text: string, at: number) => boolean): Span {
  return start < known ? { start, end: known } : valueAt(text, start, isEnd);
}

/** Another setting follows, or a list or an encoded text continues. */
function endsSetting(text: string, at: number): boolean {
  const character = text[at];
  if (character === '%') return /^%26/.test(text.slice(at, at + 3));
  if (character !== ',' && character !== ';' && character !== '&' && character !== ')' && character !== '}')
    return false;
  return /^.(?:$|\s|["'[{}\])]|[A-Za-z_][\w.-]{0,64}[=:])/.test(text.slice(at, at + 68));
}

/** The name of a header in a list of names and values, as Node's `rawHeaders` has them: `'Cookie', 'a=b'`. */
const listed = /(["'`])([\w-]{1,64})\1\s{0,4},\s{0,4}(?=["'`])/g;

/** Finds the values behind names in lists; `isSecretHeader` gets names in lowercase. */
export function listedValueSpans(text: string, isSecretHeader: (name: string) => boolean): readonly Span[] {
  return spansBehind(listed, text, ([, , name = ''], start, known) =>
    start >= known && (isSecretHeader(name.toLowerCase()) || isSecretNameInProse(name))
      ? quotedValue(text, start)
      : null,
  );
}

/** An answer of OAuth outside an address: neither name means a secret by itself. */
const oauthAnswer =
  /(?<![\w.-])(?:code=([^\s&"'<>]{4,})(?=&(?:[^\s"'<>]*&)?state=)|state=[^\s&"'<>]+&(?:[^\s"'<>]*&)?code=([^\s&"'<>]{4,}))/g;

export function oauthSpans(text: string): readonly Span[] {
  const spans: Span[] = [];
  for (const { index, 0: whole, 1: first, 2: second } of text.matchAll(oauthAnswer)) {
    const end = index + whole.length;
    spans.push({ start: end - (first ?? second ?? '').length, end });
  }
  return spans;
}

/** An option and its value: `--api-key VALUE`. */
const option = /(?<![\w-])(--?[A-Za-z][\w-]*)([ \t]+)(?!--)/g;

/** Finds values of options whose name marks a secret, after a space. */
export function optionValueSpans(text: string): readonly Span[] {
  return spansBehind(option, text, ([, name = ''], start, known) =>
    isSecretOption(name) ? valueFrom(text, start, known, never) : null,
  );
}

function never(): boolean {
  return false;
}

export function isSecretOption(name: string): boolean {
  return name.startsWith('-') && isSecretName(name);
}

/** The options of curl and of others that take a name and a password, up to the colon. */
const userOption =
  /(?<![\w-])(?:-[A-Za-z]{0,4}u|--user|--proxy-user|--userpwd)(?:[ \t]{1,4}|=)(["'`]?)[^\s"'`:/=]{0,128}:(?!\/\/)/g;

/** Finds the passwords of `-u NAME:PASSWORD`; a number is a group of the system. */
export function userOptionSpans(text: string): readonly Span[] {
  return spansBehind(
    userOption,
    text,
    ([, quote = ''], start, known) => {
      if (start < known) return { start, end: known };
      const closing = quote === '' ? -1 : text.indexOf(quote, start);
      return { start, end: closing === -1 ? bareEnd(text, start, never) : closing };
    },
    (_, secret) => /^\d[\d:.]*$/.test(secret),
  );
}

/** A query begins after "?" in a text that looks like a target: a word with a "/" before it. */
const queryStart = /[?&][^\s=&?#"'<>]{0,64}/g;

/** Finds the values in the query of each address or request line. Names stay, as in the record. */
export function queryValueSpans(text: string): readonly Span[] {
  const spans: Span[] = [];
  queryStart.lastIndex = 0;
  let word = { start: 0, end: -1, query: -1 };
  for (let found = queryStart.exec(text); found !== null; found = queryStart.exec(text)) {
    const { index, 0: whole } = found;
    if (index >= word.end) word = wordAround(text, index, word.end);
    const next = index + whole.length;
    const equals = text[next] === '=';
    const end = bareEnd(text, next + (equals ? 1 : 0), endsParameter);
    const inQuery = word.query >= 0 && word.query <= index;
    if (equals && end > next + 1) spans.push({ start: next + 1, end });
    else if (!equals && inQuery && end > index + 1) spans.push({ start: index + 1, end });
    queryStart.lastIndex = Math.max(end, index + 1);
  }
  return spans;
}

/** The word at `at`, not before `floor`, and where its query begins: −1 if there is no "/" before the "?". */
function wordAround(text: string, at: number, floor: number): { start: number; end: number; query: number } {
  let start = at;
  while (start > floor && start > 0 && !/\s/.test(text[start - 1] as string)) start--;
  let end = at;
  while (end < text.length && !/\s/.test(text[end] as string)) end++;
  const questionMark = text.indexOf('?', at);
  const slash = text.slice(start, at).includes('/');
  return { start, end, query: questionMark !== -1 && questionMark < end && slash ? questionMark : -1 };
}

function endsParameter(text: string, at: number): boolean {
  const character = text[at];
  return character === '&' || character === '#' || character === '?';
}
