import { encodedUserInformationSpans, userInformationSpans } from './user-information.ts';
import { keyEnding, keyGoesOn, knownSecretSpans } from './known-secrets.ts';
import {
  type ColonMeans,
  elementSpans,
  isSecretOption,
  namedValueSpans,
  optionValueSpans,
  queryValueSpans,
} from './named-values.ts';
import { leftOut, replaceSpans, type Span, spansBehind } from './span.ts';
import { quotedValue } from './value-end.ts';

/** Fields whose values never reach a log, wherever they turn up. */
const secretFields = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-auth-token'];

/** Beyond this a text is not searched but cut: looking for secrets must stay cheap. */
const textCharactersMax = 4096;

/** At the place of the cut the beginning of a secret might stand that nothing can know for one any more. */
const wordCharactersMax = 512;

/** Two are nearly always enough, the second to see that nothing is left. */
const timesMax = 6;

/** The first bytes of garbage come like this (`wire/response-head.ts`). */
const hexadecimal = /^(?:[\da-f]{2}){8,}$/;

/** Reports of logs are this deep, evidence two levels; what is deeper is not ours. */
const depthMax = 12;

const none: ReadonlySet<string> = new Set();

/**
 * Takes secrets out of text that came from outside: command lines, lines that an application printed, the first bytes of
 * a response that is none, lines of logs. Everything that Candor shows, writes or sends goes through this. `fields` are
 * further field names whose values must not be shown. The result is never longer than the text, but for the mark of a cut;
 * redacting it again changes nothing; the time is linear in the text.
 */
export class TextRedactor {
  readonly #fieldName: RegExp;

  constructor(fields: readonly string[] = []) {
    const names = [...new Set([...secretFields, ...fields.map((name) => name.toLowerCase())])];
    this.#fieldName = new RegExp(
      `(?:^|[^\\w-])(?:${names.map(literal).join('|')})(\\\\{0,3}["'])?\\s{0,4}[:=][ \\t]{0,4}`,
      'gi',
    );
  }

  redact(text: string): string {
    if (!mayHoldSecret.test(text) && text.length <= textCharactersMax) return text;
    return hexadecimal.test(text) ? this.#redactHexadecimal(text) : this.#redactPlain(text);
  }

  /**
   * The same for the text of a configuration, or a part of it, with as many asterisks as characters are left out: each that
   * stays keeps its line and column. Not cut.
   */
  mask(text: string): string {
    return replaceSpans(text, this.#spans(text, 'setting'), (hidden) => hidden.replace(/[^\r\n]/gu, '*'));
  }

  /** Lines that belong together: a private key that begins in one of them goes on in the next. */
  redactLines(lines: readonly string[]): readonly string[] {
    const following = new LineRedactor(this);
    return lines.map((line) => following.redact(line));
  }

  /** The words of a command line. A value of its own word goes as a whole, whatever it holds. */
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

  /** A copy in which every text, however deep, has been redacted and cut to `charactersMax`, but for what stands at `kept` keys. */
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

  /** Bytes written out stay bytes written out. */
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

  /** What is left out may bring a name and another value together, which is looked for again. */
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
      ...optionValueSpans(text),
      ...elementSpans(text),
      // Other values of queries in a configuration are what its writer wants to see.
      ...(colonMeans === 'prose' ? queryValueSpans(text) : []),
      ...knownSecretSpans(text),
    ];
  }
}

/** Longer than any key. Who only says that one begins is shown again behind it. */
const keyLinesMax = 256;

/** The lines of one source, one after the other. */
export class LineRedactor {
  readonly #redactor: TextRedactor;
  #keyLinesLeft = 0;

  constructor(redactor: TextRedactor) {
    this.#redactor = redactor;
  }

  /** A private key has begun and not ended. */
  get isInKey(): boolean {
    return this.#keyLinesLeft > 0;
  }

  redact(line: string): string {
    const wasInKey = this.isInKey;
    const goesOn = keyGoesOn(line);
    if (goesOn === null) this.#keyLinesLeft = Math.max(0, this.#keyLinesLeft - 1);
    else this.#keyLinesLeft = goesOn ? keyLinesMax : 0;
    if (!wasInKey) return this.#redactor.redact(line);
    return goesOn === false ? this.#redactor.redact(line.slice(line.indexOf(keyEnding))) : leftOut;
  }
}

/** A first look: what has none of these is shown as it is. Most texts are addresses, codes and short words. */
const mayHoldSecret = /[@=?&<%]|:(?!\d)|\s|^(?:[\da-f]{2}){8}|[\w\-+/.]{10}/i;

function withoutLastWord(text: string): string {
  const word = /\S{1,512}$/.exec(text);
  return word === null ? text : text.slice(0, Math.max(word.index, text.length - wordCharactersMax));
}

/**
 * The whole rest of the line: a Cookie field has many values, and some hold white space. A line's end may also be written
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

/** Three dots in hexadecimal: text among bytes stays text, and is shown as such. */
const leftOutBytes = '2e2e2e';

function hexadecimalOfText(text: string): string {
  let bytes = '';
  for (const character of text)
    bytes += character === leftOut ? leftOutBytes : character.charCodeAt(0).toString(16).padStart(2, '0');
  return bytes;
}
