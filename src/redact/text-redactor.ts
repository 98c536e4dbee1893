import { encodedUserInformationSpans, userInformationSpans } from './user-information.ts';
import { keyEnding, keyGoesOn, knownSecretSpans } from './known-secrets.ts';
import {
  type ColonMeans,
  isSecretOption,
  listedValueSpans,
  namedValueSpans,
  oauthSpans,
  optionValueSpans,
  queryValueSpans,
  userOptionSpans,
} from './named-values.ts';
import { cellSpans, elementSpans, endsWithNameCell, isOfTagsAlone } from './markup-values.ts';
import { leftOut, replaceSpans, type Span, spansBehind } from './span.ts';
import { quotedValue } from './value-end.ts';
import { isSecretNameInProse } from './secret-name.ts';

/** A letter, digit or `_` as an escape of a URL or of JSON: the structure of a text is never decoded. */
const escape = /%([2-7][\da-f])|\\u00([2-7][\da-f])/gi;
const mayBeEscaped = /%[2-7][\da-f]|\\u00/i;

/** Finds values whose name is written with escapes: `p%61ssword=…`, `"\u0070assword": "…"`. */
function escapedNameSpans(text: string, colonMeans: ColonMeans): readonly Span[] {
  if (!mayBeEscaped.test(text)) return [];
  const positions: number[] = [];
  let decoded = '';
  const copy = (from: number, to: number): void => {
    for (let at = from; at < to; at++) positions.push(at);
    decoded += text.slice(from, to);
  };
  let copied = 0;
  for (const { index, 0: whole, 1: percent, 2: unicode } of text.matchAll(escape)) {
    const character = String.fromCharCode(Number.parseInt(percent ?? unicode ?? '', 16));
    if (!/\w/.test(character)) continue;
    copy(copied, index);
    positions.push(index);
    decoded += character;
    copied = index + whole.length;
  }
  if (copied === 0) return [];
  copy(copied, text.length);
  positions.push(text.length);
  const positionOf = (at: number): number => positions[at] ?? text.length;
  return namedValueSpans(decoded, colonMeans).map(({ start, end }) => ({
    start: positionOf(start),
    end: positionOf(end),
  }));
}

/** Where the value of a name is that ends its line. */
interface ValueBelow {
  /** `indented`: in all following lines that are indented more. `next`: in the next line, as in a list of names and values. `cell`: in the next one with text. */
  readonly kind: 'indented' | 'next' | 'cell';
  readonly indent: number;
}

/** `password:`, `"token": {`, `secret: |` and the like at the end of a line. */
const nameAtEnd = /(?<![\w.-])([\w.-]{1,64})["'`]?\]?\s{0,4}(?:=>?|:)\s{0,4}[|>[{(]?[-+\d]{0,2}\s*$/;
/** A name in a list whose next element is in the next line. */
const listedAtEnd = /(["'`])([\w-]{1,64})\1\s{0,4},\s*$/;

/** Null: the line ends with no name of a secret. `isSecretHeader`: whether the value of a header is one, by its name in lower case. */
function valueBelow(line: string, isSecretHeader: (name: string) => boolean): ValueBelow | null {
  const isSecret = (name: string): boolean => isSecretHeader(name.toLowerCase()) || isSecretNameInProse(name);
  const end = line.slice(-160);
  const name = nameAtEnd.exec(end)?.[1];
  if (name !== undefined && isSecret(name)) return { kind: 'indented', indent: indentOf(line) };
  if (endsWithNameCell(end)) return { kind: 'cell', indent: 0 };
  const listed = listedAtEnd.exec(end)?.[2];
  return listed !== undefined && isSecret(listed) ? { kind: 'next', indent: indentOf(line) } : null;
}

/** Whether a line holds, or goes on with, the value. */
function isBelow(line: string, { kind, indent }: ValueBelow): boolean {
  if (line.trim() === '') return kind === 'indented';
  if (kind === 'cell') return true;
  return kind === 'next' ? /^\s*["'`]/.test(line) : indentOf(line) > indent;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** Headers whose values never reach a log, in any text. */
export const secretHeaders = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'x-auth-token',
];

/** A longer text is shortened first: the search for secrets must stay cheap. */
const textCharactersMax = 4096;

/** At the end of a shortened text may be the beginning of a secret that cannot be recognized, so the last word is removed, up to this length. */
const wordCharactersMax = 512;

const harmlessCharactersMax = 256;
const harmlessMax = 1024;

/** Two passes are nearly always enough; the second shows that nothing is left. */
const timesMax = 6;

/** The form of the first bytes of garbage (`wire/response-head.ts`). */
const hexadecimal = /^(?:[\da-f]{2}){8,}$/;

/** Reports of logs are this deep, evidence has two levels; deeper values are not Candor's. */
const depthMax = 12;

const none: ReadonlySet<string> = new Set();

/**
 * Removes secrets from text from outside: command lines, output of applications, the first bytes of
 * garbage, lines of logs. All such text that Candor shows, writes or sends passes it. `fields` are
 * further header names whose values must not be shown. The result is never longer than the text, except for a "…" at its end;
 * redacting it again changes nothing; the time is linear in the text.
 */
export class TextRedactor {
  readonly #fieldName: RegExp;
  /** Whether the value of a header is not shown, by its name in lower case. */
  readonly isSecretHeader: (name: string) => boolean;
  /** Short texts without a secret: each failure of a kind brings the same ones. A fifth of what a refused request cost was to search them again. */
  readonly #harmless = new Set<string>();

  constructor(fields: readonly string[] = []) {
    const names = [...new Set([...secretHeaders, ...fields.map((name) => name.toLowerCase())])];
    const known = new Set(names);
    this.isSecretHeader = (name) => known.has(name);
    this.#fieldName = new RegExp(
      `(?:^|[^\\w-])(?:${names.map(literal).join('|')})(\\\\{0,3}["'])?\\s{0,4}[:=][ \\t]{0,4}`,
      'gi',
    );
  }

  redact(text: string): string {
    if (this.#harmless.has(text) || (!mayHoldSecret.test(text) && text.length <= textCharactersMax)) return text;
    const redacted = hexadecimal.test(text) ? this.#redactHexadecimal(text) : this.#redactPlain(text);
    if (redacted === text && text.length <= harmlessCharactersMax) {
      if (this.#harmless.size >= harmlessMax) this.#harmless.clear();
      this.#harmless.add(text);
    }
    return redacted;
  }

  /**
   * The same for the text of a configuration, or a part of it, with an asterisk for each removed character, so that every other
   * character keeps its line and column. The text is not shortened.
   */
  mask(text: string): string {
    if (!mayHoldSecret.test(text)) return text;
    return replaceSpans(text, this.#spans(text, 'setting'), (hidden) => hidden.replace(/[^\r\n]/gu, '*'));
  }

  /** Redacts lines that belong together. */
  redactLines(lines: readonly string[]): readonly string[] {
    const following = new LineRedactor(this);
    return lines.map((line) => following.redact(line));
  }

  /** Redacts the words of a command line. A secret value that is a word of its own is removed completely. */
  redactCommand(command: readonly string[]): readonly string[] {
    return command.map((word, index) => {
      const before = index === 0 ? '' : (command[index - 1] as string);
      if (isSecretOption(before) && !word.startsWith('--')) return leftOut;
      if (/^(?:-u|--user|--proxy-user|--userpwd)$/.test(before)) return word.replace(/:.+/s, `:${leftOut}`);
      const setting = /^(--?[\w.-]+|[A-Za-z_]\w*)=(?=.)/s.exec(word);
      if (setting !== null && isSecretOption(`--${setting[1]}`)) return `${setting[0]}${leftOut}`;
      return this.redact(word);
    });
  }

  /** A copy in which every text, at any depth, is redacted and shortened to `charactersMax`, except the values of `kept` keys. */
  redactAll<T>(value: T, charactersMax: number, kept: ReadonlySet<string> = none): T {
    return this.#copy(value, charactersMax, kept, 0) as T;
  }

  #copy(value: unknown, charactersMax: number, kept: ReadonlySet<string>, depth: number): unknown {
    if (typeof value === 'string') return cut(this.redact(value), charactersMax);
    if (typeof value !== 'object' || value === null) return value;
    if (depth > depthMax) return null;
    if (Array.isArray(value)) {
      const redacted = value.every((item) => typeof item === 'string') ? this.redactLines(value) : value;
      return redacted.map((item: unknown) => this.#copy(item, charactersMax, kept, depth + 1));
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [
        name,
        kept.has(name) ? item : this.#copy(item, charactersMax, kept, depth + 1),
      ]),
    );
  }

  /** Redacts hexadecimal bytes; the result is hexadecimal too. */
  #redactHexadecimal(text: string): string {
    const bytes = textOfHexadecimal(text.slice(0, textCharactersMax));
    const redacted = this.#redactPlain(bytes);
    return redacted === bytes ? text : hexadecimalOfText(redacted);
  }

  #redactPlain(text: string): string {
    const isCut = text.length > textCharactersMax;
    const searched = isCut ? withoutLastWord(text.slice(0, textCharactersMax)) : text;
    const redacted = this.#redactFully(searched);
    return isCut && !redacted.endsWith(leftOut) ? `${redacted}${leftOut}` : redacted;
  }

  /** A removal may bring a name and another value together, so the search is repeated. */
  #redactFully(text: string): string {
    let redacted = text;
    for (let time = 0; time < timesMax; time++) {
      const before = redacted;
      redacted = replaceSpans(before, this.#spans(before, 'prose'), () => leftOut);
      if (redacted === before) break;
    }
    return redacted;
  }

  /** A value of JSON ends with its quotes, any other with its line. */
  #fieldSpans(text: string): readonly Span[] {
    return spansBehind(this.#fieldName, text, ([, quote], start, known) => {
      if (start < known) return { start, end: known };
      return (quote === undefined ? null : quotedValue(text, start)) ?? { start, end: endOfLine(text, start) };
    });
  }

  #spans(text: string, colonMeans: ColonMeans): readonly Span[] {
    return [
      ...this.#fieldSpans(text),
      ...userInformationSpans(text),
      ...encodedUserInformationSpans(text),
      ...namedValueSpans(text, colonMeans),
      ...escapedNameSpans(text, colonMeans),
      ...listedValueSpans(text, this.isSecretHeader),
      ...(colonMeans === 'prose' ? oauthSpans(text) : []),
      ...optionValueSpans(text),
      ...userOptionSpans(text),
      ...elementSpans(text),
      ...cellSpans(text),
      // The author of a configuration wants to see other values of queries.
      ...(colonMeans === 'prose' ? queryValueSpans(text) : []),
      ...knownSecretSpans(text),
    ];
  }
}

/** Longer than any key. After so many lines without an end, text is shown again. */
const hiddenLinesMax = 256;

/**
 * The lines of one source, one after the other: a private key, or the value of a member that stands in the lines below its name, may go on from
 * one line to the next.
 */
export class LineRedactor {
  readonly #redactor: TextRedactor;
  #keyLinesLeft = 0;
  /** A name of a secret ended the line before; its value is in the lines that are indented more. */
  #valueBelow: ValueBelow | null = null;
  #valueLinesLeft = 0;

  constructor(redactor: TextRedactor) {
    this.#redactor = redactor;
  }

  /** What has been seen bears on the next line: a private key has begun and not ended, or a value is in the lines below its name. */
  get goesOn(): boolean {
    return this.#keyLinesLeft > 0 || this.#valueBelow !== null;
  }

  redact(line: string): string {
    const wasInKey = this.#keyLinesLeft > 0;
    const goesOn = keyGoesOn(line);
    if (goesOn === null) this.#keyLinesLeft = Math.max(0, this.#keyLinesLeft - 1);
    else this.#keyLinesLeft = goesOn ? hiddenLinesMax : 0;
    if (wasInKey) return goesOn === false ? this.#redactor.redact(line.slice(line.indexOf(keyEnding))) : leftOut;
    return this.#isValue(line) ? leftOut : this.#redactor.redact(line);
  }

  /** Whether the line belongs to the value of a name above it. */
  #isValue(line: string): boolean {
    const before = this.#valueBelow;
    if (before?.kind === 'cell' && isOfTagsAlone(line) && this.#valueLinesLeft-- > 0) return false;
    if (before !== null && this.#valueLinesLeft-- > 0 && isBelow(line, before)) {
      if (before.kind !== 'indented') this.#valueBelow = null;
      return true;
    }
    this.#valueBelow = valueBelow(line, this.#redactor.isSecretHeader);
    this.#valueLinesLeft = hiddenLinesMax;
    return false;
  }
}

/** A first check: a text without any of these is shown unchanged. Most texts are addresses, codes and short words. */
const mayHoldSecret = /[@=?&<%]|:(?!\d)|\s|^(?:[\da-f]{2}){8}|[\w\-+/.]{10}/i;

function withoutLastWord(text: string): string {
  const word = /\S{1,512}$/.exec(text);
  return word === null ? text : text.slice(0, Math.max(word.index, text.length - wordCharactersMax));
}

/**
 * The whole rest of the line: a Cookie header has many values, and some have white space. The end of a line may also be written
 * out (\\r, \\n), as evidence of bytes is.
 */
function endOfLine(text: string, start: number): number {
  lineEnd.lastIndex = start;
  return lineEnd.exec(text)?.index ?? text.length;
}

const lineEnd = /[\r\n]|\\[rn]/g;

function literal(name: string): string {
  return name.replace(/[^\w-]/g, '\\$&');
}

function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}${leftOut}`;
}

function textOfHexadecimal(text: string): string {
  let bytes = '';
  for (let at = 0; at < text.length; at += 2) bytes += String.fromCharCode(Number.parseInt(text.slice(at, at + 2), 16));
  return bytes;
}

/** Three dots in hexadecimal: the "..." of removed text, as bytes. */
const leftOutBytes = '2e2e2e';

function hexadecimalOfText(text: string): string {
  let bytes = '';
  for (const character of text)
    bytes += character === leftOut ? leftOutBytes : character.charCodeAt(0).toString(16).padStart(2, '0');
  return bytes;
}
