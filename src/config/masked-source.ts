/** The text of a configuration without what people may not see of it, character by character. */
import { variableSpans } from '../core/template.ts';
import { isHarmlessHeader } from '../redact/harmless-headers.ts';
import { queryValueSpans } from '../redact/named-values.ts';
import { isReleaseVariable } from '../redact/release-name.ts';
import { isSecretName } from '../redact/secret-name.ts';
import { replaceSpans, type Span } from '../redact/span.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { isMap } from './draft.ts';
import { hidingAt, hidingOfName } from './hidden-keys.ts';
import { hideUnread, plainForm } from './hide-unread.ts';
import type { Path } from '../schema/findings.ts';
import { type KeyPosition, type PathOffsets, pathText, type ScalarPosition } from './position-index.ts';

/** What was read of a text: `value` may be a part, or undefined where nothing could be read. */
export interface SourceReading {
  readonly source: string;
  readonly value: unknown;
  readonly positions: PathOffsets;
  /** It is no YAML: values may have been taken for keys, and parts of them for something else. */
  readonly isBroken: boolean;
}

/** A value that is hidden, or a part of it. */
export interface HiddenText {
  /** `applications.web.environment.PASSWORD` */
  readonly key: string;
  /** The hidden parts as they stand in the file, and what variables gave. */
  readonly texts: readonly string[];
  /** It was written as a key, or as a part of one. */
  readonly isKey: boolean;
  /** What a sentence says for it; absent: asterisks. */
  readonly instead?: string;
  /** Parts of it stand in the file. */
  readonly isWhole?: boolean;
  /** It stands elsewhere in the file too, so that a sentence about another place may have it from there. */
  readonly isElsewhere?: boolean;
}

/** People look for the release that runs, and what changed with it: a variable of an application that is for its name is shown. */
function isReleaseName(path: Path, text: string): boolean {
  const [section, , key, name, ...deeper] = path;
  if (section !== 'applications' || key !== 'environment' || typeof name !== 'string' || deeper.length > 0)
    return false;
  return isReleaseVariable(name, text.replace(/^(["'])(.*)\1$/s, '$2'));
}

/** Characters for private use. */
export const mask = '\ue003';
export const maskOfPair = '\ue004';

/**
 * What the schema marks is hidden, and so are values of keys that it has nowhere, texts where a section with hidden keys was to stand
 * (unless they are nearly a word of it), and whatever has the form of a secret. Where the text could not be read, names of keys
 * decide (`hideUnread`).
 */
export class MaskedSource {
  readonly #reading: SourceReading;
  readonly #secretHeaders: readonly string[];
  readonly #redactor: TextRedactor;
  readonly #scalars: readonly ScalarPosition[];
  readonly #keys: readonly KeyPosition[];
  /** By the key of the list. */
  readonly #commands = new Map<string, readonly string[] | null>();
  #spans: readonly Span[] | null = null;
  #text: string | null = null;

  constructor(reading: SourceReading) {
    this.#reading = reading;
    this.#secretHeaders = secretHeadersOf(reading.value);
    this.#redactor = new TextRedactor(this.#secretHeaders);
    this.#scalars = whereUsed([...reading.positions.scalars()]);
    this.#keys = whereUsed([...reading.positions.keys()]);
  }

  /** As long as the source: `mask` in place of each code unit that is hidden, `maskOfPair` for the second one of a pair. */
  get text(): string {
    const { source } = this.#reading;
    this.#text ??= withReferences(
      replaceSpans(source, [...this.#spansOfValues(), ...this.#otherSpans()], maskAll),
      source,
    );
    return this.#text;
  }

  /** For terminals: an asterisk for each hidden character. */
  get asterisks(): string {
    return this.text.replaceAll(mask, '*').replaceAll(maskOfPair, '');
  }

  hidden(): readonly HiddenText[] {
    const { source, value } = this.#reading;
    const masked = replaceSpans(source, this.#spansOfValues(), maskAll);
    const inKeys = this.#keys.map((key) => ({ key, spans: this.#inKey(key) })).filter(({ spans }) => spans.length > 0);
    return [
      ...this.#scalars.flatMap((scalar) => hiddenIn(scalar, masked, source, valueAt(value, scalar.path))),
      ...inKeys.map(({ key: { path }, spans }) => {
        const texts = spans.map(({ start, end }) => source.slice(start, end));
        return { key: pathText(path), texts, isKey: true };
      }),
    ];
  }

  #spansOfValues(): readonly Span[] {
    this.#spans ??= this.#scalars.flatMap((scalar) => this.#spansOf(scalar));
    return this.#spans;
  }

  #spansOf({ path, start, end }: ScalarPosition): readonly Span[] {
    if (start === end) return [];
    const text = this.#reading.source.slice(start, end);
    const { hiding, name } = hidingAt(path, valueAt(this.#reading.value, path));
    const at = (spans: readonly Span[]): readonly Span[] =>
      spans.map((span) => ({ start: start + span.start, end: start + span.end }));
    const isQuoted = /^(["']).*\1$/s.test(text);
    const whole = [isQuoted ? { start: start + 1, end: end - 1 } : { start, end }];
    const byForm = at(this.#byForm(text));
    switch (hiding) {
      case 'value':
        return isReleaseName(path, text) ? byForm : whole;
      case 'misplaced':
        return plainForm.test(text) ? [] : whole;
      case 'header':
        if (isHarmlessHeader(name, this.#secretHeaders) || /^(?:true|false)$/.test(text)) return byForm;
        return path.some((part) => part === 'request_headers' || part === 'response_headers')
          ? [...byForm, ...at(betweenVariables(text))]
          : whole;
      case 'name':
        return isSecretName(name) ? whole : byForm;
      case 'hash':
        return /^["']?(?:sha256:[\da-f]{64}|read|operate)["']?$/.test(text) ? [] : whole;
      case 'secret_name':
        return /^["']?[A-Za-z_][\w.-]{0,127}["']?$/.test(text) ? byForm : whole;
      case 'query':
        return [...byForm, ...at(queryValueSpans(text))];
      case 'path':
        return [...byForm, ...at(pathSpans(text))];
      case 'command':
        return at(this.#inCommand(path, text));
      default:
        return byForm;
    }
  }

  /** Of keys, comments, and of what could not be read. */
  #otherSpans(): readonly Span[] {
    const { source, isBroken } = this.#reading;
    const known = new Uint8Array(source.length);
    for (const { start, end } of [...this.#scalars, ...this.#keys]) known.fill(1, start, end);
    const marks = [...source.matchAll(nodeMark)].filter(({ index }) => known[index] === 0);
    for (const { index, 0: text } of marks) known.fill(1, index, index + text.length);
    const comments = [...source.matchAll(commentPattern)].filter(({ index }) => known[index] === 0);
    for (const { index, 0: text } of comments) known.fill(1, index, index + text.length);
    return [
      ...this.#keys.flatMap((key) => this.#inKey(key)),
      ...[...marks, ...comments].flatMap(({ index, 0: text }) => moved(this.#byForm(text), index)),
      ...spansWhere(hideUnread(source, this.#redactor), source, (at) => known[at] === 0 && !isPunctuation(source, at)),
      ...(isBroken ? this.#byForm(source) : []),
    ];
  }

  /** In a key that is not known, all behind a colon is taken for a value: there was to be a space. */
  #inKey(key: KeyPosition): readonly Span[] {
    const { path, start, end } = key;
    if (this.#isValue(key)) return [{ start, end }];
    const text = this.#reading.source.slice(start, end);
    const [, whole = '', name = ''] = /^(["']?([A-Za-z_][\w.-]*):)\S/.exec(text) ?? [];
    const isValue = whole !== '' && hidingOfName(name) !== null && !hidingAt(path, null).isKnown;
    return moved([...this.#byForm(text), ...(isValue ? [{ start: whole.length, end: text.length }] : [])], start);
  }

  /** `{ PASSWORD: one, two }` has a key `two` without a value, and its author meant one password. */
  #isValue({ path, end }: KeyPosition): boolean {
    const { source, value } = this.#reading;
    if (valueAt(value, path) !== undefined || /^\s*:/.test(source.slice(end, end + 80))) return false;
    const { hiding } = hidingAt(path, undefined);
    return (
      path.length > 1 &&
      (hiding === 'value' || hiding === 'header') &&
      hidingAt(path.slice(0, -1), '').hiding === hiding
    );
  }

  #byForm(text: string): readonly Span[] {
    return spansWhere(this.#redactor.mask(text), text, () => true);
  }

  /** A word of a list, or one line. */
  #inCommand(path: Path, text: string): readonly Span[] {
    const at = path.at(-1);
    if (typeof at !== 'number') return this.#inCommandLine(text);
    const list = path.slice(0, -1);
    const redacted = this.#commandOf(list);
    const word = String(valueAt(this.#reading.value, path));
    const quote = /^["']?/.exec(text)?.[0] ?? '';
    const end = text.length - quote.length;
    if (redacted === null) return [{ start: quote.length, end }];
    if (redacted[at] === word) return [];
    const setting = /^["']?(?:--?[\w.-]+|[A-Za-z_]\w*)=(?=[^"'\\]*["']?$)/.exec(text)?.[0] ?? quote;
    return [{ start: setting.length, end }, ...this.#byForm(text)];
  }

  #commandOf(path: Path): readonly string[] | null {
    const key = JSON.stringify(path);
    const known = this.#commands.get(key);
    if (known !== undefined) return known;
    const list = valueAt(this.#reading.value, path);
    const redacted = Array.isArray(list) ? this.#redactor.redactCommand(list.map(String)) : null;
    this.#commands.set(key, redacted);
    return redacted;
  }

  /** Each word with a secret; with quotes, where words end is not known here, and all of the line is hidden. */
  #inCommandLine(text: string): readonly Span[] {
    const line = /^(["'])([^"'\\]*)\1$/.exec(text);
    const from = line === null ? 0 : 1;
    const plain = line?.[2] ?? text;
    const words = [...plain.matchAll(/\S+/g)];
    const written = words.map(([word]) => word);
    const redacted = this.#redactor.redactCommand(written);
    const secret = words.filter((_, at) => written[at] !== redacted[at]);
    if (secret.length === 0) return this.#byForm(text);
    if (/["'\\]/.test(plain)) return [{ start: 0, end: text.length }];
    const values = secret.map(({ index, 0: word }) => {
      const setting = /^(?:--?[\w.-]+|[A-Za-z_]\w*)=/.exec(word)?.[0] ?? '';
      return { start: from + index + setting.length, end: from + index + word.length };
    });
    return [...values, ...this.#byForm(text)];
  }
}

/** What stands below a key of the file's own (`x-…`) for aliases is what it is where they stand. */
function whereUsed<T extends ScalarPosition | KeyPosition>(positions: readonly T[]): readonly T[] {
  const isKept = ({ path: [first] }: T): boolean => /^(?:x-|included \d)/.test(String(first));
  const used = new Set(positions.filter((one) => !isKept(one)).map(({ start }) => start));
  return positions.filter((one) => !isKept(one) || !used.has(one.start));
}

/** An anchor, an alias or a tag. */
const nodeMark = /(?<=^|[\s,[{])[&*!][^\s,[\]{}]+/gm;

function isPunctuation(source: string, at: number): boolean {
  return /[\s{}[\],:"']/.test(source.charAt(at));
}

const commentPattern = /(?<=^|\s)#.*/gm;

function moved(spans: readonly Span[], by: number): readonly Span[] {
  return spans.map(({ start, end }) => ({ start: start + by, end: end + by }));
}

/** Where `masked` has asterisks that `text` has not. Both have a character for each other's. */
function spansWhere(masked: string, text: string, isWanted: (at: number) => boolean): readonly Span[] {
  if (masked === text) return [];
  const spans: Span[] = [];
  let from = -1;
  let at = 0;
  let maskedAt = 0;
  while (at < text.length) {
    const width = (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    const isHidden = masked[maskedAt] === '*' && text[at] !== '*' && isWanted(at);
    if (isHidden && from === -1) from = at;
    if (!isHidden && from !== -1) {
      spans.push({ start: from, end: at });
      from = -1;
    }
    maskedAt += masked[maskedAt] === '*' ? 1 : width;
    at += width;
  }
  if (from !== -1) spans.push({ start: from, end: text.length });
  return spans;
}

/** What stands in quotes, or all, without variables such as `{host}`. */
function betweenVariables(text: string): readonly Span[] {
  const edge = /^(["']).*\1$/s.test(text) ? 1 : 0;
  const spans: Span[] = [];
  let from = edge;
  for (const { start, end } of [...variableSpans(text), { start: text.length - edge, end: 0 }]) {
    if (start > from) spans.push({ start: from, end: start });
    from = end;
  }
  return spans;
}

/** The path of a URL and what follows it. */
function pathSpans(text: string): readonly Span[] {
  const [whole = '', quote = ''] = /^(["']?)[a-z][a-z\d+.-]*:\/\/[^\s/?#]+[/?#]/i.exec(text) ?? [];
  const end = quote === '' ? text.length : text.length - 1;
  if (/^\/v1\/(?:traces|logs|metrics)\/?["']?$/.test(text.slice(whole.length - 1))) return [];
  return whole === '' || whole.length >= end ? [] : [{ start: whole.length, end }];
}

/** Lines keep their ends and their indentation. */
function maskAll(hidden: string): string {
  return hidden.replace(
    /^([ \t]*)([^\r\n]+)/gm,
    (_line, indent: string, rest: string) => indent + rest.replace(/[\ud800-\udbff][\udc00-\udfff]|[^]/g, masksFor),
  );
}

function masksFor(character: string): string {
  return character.length === 2 ? mask + maskOfPair : mask;
}

const reference = /\$\{[A-Za-z_]\w*\}/g;

const plainRedactor = new TextRedactor();

/** A token that was written as the name of a variable. */
function isSecretForm(text: string): boolean {
  return plainRedactor.mask(text) !== text;
}

/** A reference to a variable says where a secret comes from, and stays wherever it stands. */
function withReferences(masked: string, source: string): string {
  let text = '';
  let at = 0;
  for (const { index, 0: found } of source.matchAll(reference)) {
    if (isSecretForm(found)) continue;
    text += masked.slice(at, index) + found;
    at = index + found.length;
  }
  return text + masked.slice(at);
}

function hiddenIn(
  { key, start, end, expanded }: ScalarPosition,
  masked: string,
  source: string,
  value: unknown,
): HiddenText[] {
  const shown = masked.slice(start, end);
  if (!shown.includes(mask)) return [];
  const written = [...shown.matchAll(hiddenRun)].map(({ index, 0: run }) =>
    source.slice(start + index, start + index + run.length).replace(/^(["'])(.*)\1$/s, '$2'),
  );
  const isWhole = /^["'\ue003\ue004]*$/.test(shown);
  // A sentence says a number in another form than the file: 0x2f, 007.
  const read = expanded ?? (typeof value === 'number' ? String(value) : null);
  const texts = read !== null && isWhole ? [...written, read] : written;
  return [{ key, texts: texts.filter((text) => text !== ''), isKey: false }];
}

const hiddenRun = /[\ue003\ue004]+/g;

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[part];
  }
  return value;
}

/** `log: { secret_headers: [...] }`, lowercase. */
function secretHeadersOf(value: unknown): readonly string[] {
  const log = isMap(value) ? value['log'] : undefined;
  const names = isMap(log) ? log['secret_headers'] : undefined;
  return Array.isArray(names) ? names.map((name) => String(name).toLowerCase()) : [];
}
