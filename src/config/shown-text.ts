import { hiddenValue, quoteMasks } from '../core/redact/quote-hidden.ts';
import { replaceSpans, type Span } from '../core/redact/span.ts';
import { TextRedactor } from '../core/redact/text-redactor.ts';
import { hideSecrets, isAlertSecretPath, isSecretPath, shownTextKeys } from './hide-secrets.ts';
import { shownUrl } from '../core/shown-url.ts';
import type { Path, PathOffsets } from './position-index.ts';

/** What was read of a text: `value` may be a part, or undefined where nothing could be read. */
export interface SourceReading {
  readonly source: string;
  readonly value: unknown;
  readonly positions: PathOffsets;
}

/** What people may see of a text. */
export interface ShownText {
  readonly text: string;
  /** The values that `text` does not have: it has `"***"`, or a reference to a variable, in their place. Null: there are too many. */
  readonly unshown: readonly UnshownText[] | null;
}

export interface UnshownText {
  /** `applications.web.environment.PASSWORD` */
  readonly key: string;
  /** A secret. */
  readonly value: string;
}

/** More of them are not kept. */
const unshownMax = 500;

/**
 * The text of a configuration for the admin API and the dashboard, with `"***"` in place of everything that the log and the status never
 * show: what `hideSecrets` finds, variables of applications, headers of checks, and commands with a secret. Lines keep their numbers, and what was YAML
 * is YAML. Of what is hidden in the middle of a value `***` stands there.
 */
export function shownText(reading: SourceReading): ShownText {
  const { value, positions } = reading;
  const source = withoutPairs(reading.source);
  const spans: Span[] = [];
  collectSpans(value, [], { source, positions, spans });
  const redactor = new TextRedactor(secretHeadersOf(value));
  const masked = replaceSpans(source, spans, maskLines);
  const hidden = hideSecrets(withoutPaths(masked).replaceAll(namesKey, standIn), shownTextKeys, redactor);
  // Each mask is as wide as what it hides. Otherwise no place would be known.
  if (hidden.length !== source.length) return { text: '', unshown: null };
  const text = withPairs(hidden.replaceAll(standIn, namesKey), reading.source);
  const shown = withReferences(withGaps(text, reading, redactor), reading.source);
  return { text: readableText(shown, reading), unshown: unshownIn(shown, reading, redactor) };
}

/** A header with a secret is hidden up to the end of its line. Brackets, and keys that follow in the same line, are no part of its value. */
function withGaps(hidden: string, { source, positions }: SourceReading, redactor: TextRedactor): string {
  const starts = [...new Set([...positions.scalars()].map(({ start }) => start))].toSorted((a, b) => a - b);
  const next = new Map(starts.map((start, index) => [start, starts[index + 1] ?? source.length]));
  const gaps = new Map<number, string>();
  for (const { start, end } of positions.scalars()) {
    const [gap = ''] =
      /^(?:(?<!\s)#|[^\n#])*(?:(?<=\s)#)?/.exec(source.slice(end, Math.max(end, next.get(start) ?? end))) ?? [];
    if (gap !== hidden.slice(end, end + gap.length) && gapPattern.test(gap) && redactor.mask(gap) === gap)
      gaps.set(end, gap);
  }
  let text = '';
  let at = 0;
  for (const [end, gap] of [...gaps].toSorted(([a], [b]) => a - b)) {
    text += hidden.slice(at, end) + gap;
    at = end + gap.length;
  }
  return text + hidden.slice(at);
}

const gapPattern = /^(?:[\s{}[\],]|["']?[\w.-]{1,100}["']?[ \t]*:(?=\s))*#?$/;

/** In place of each hidden character, until the values are known that have nothing else. */
const mask = '\ue003';
const masks = /\ue003+/g;

function readableText(shown: string, { source, positions }: SourceReading): string {
  const marked = shown.replace(/\*+/g, (run: string, at: number) =>
    source.startsWith(run, at) ? run : mask.repeat(run.length),
  );
  if (!marked.includes(mask)) return marked;
  // A value that aliases repeat has several keys.
  const values = new Map([...positions.scalars()].map((one) => [one.start, one]));
  const spans = [...values.values()].filter(({ start, end }) => marked.slice(start, end).includes(mask));
  let text = '';
  let at = 0;
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    text += marked.slice(at, start) + readableValue(marked.slice(start, end), source.charAt(start));
    at = end;
  }
  text += marked.slice(at);
  return quoteMasks(text.replace(/(["'])\ue003+\1/g, hiddenValue), mask).replace(masks, '***');
}

/** `begin`: its first character in the file. */
function readableValue(marked: string, begin: string): string {
  const isQuoted = begin === '"' || begin === "'";
  const isBlock = begin === '|' || begin === '>';
  const inner = isQuoted ? marked.slice(1).replace(/["']$/, '') : isBlock ? marked.replace(/^[|>].*/, '') : marked;
  const isCut = isQuoted && !marked.endsWith(begin);
  if (isCut || /^[\s\ue003]*$/.test(inner)) return hiddenValue + lineEndsOf(marked);
  const text = marked.replace(masks, '***');
  // Plain text that begins with an asterisk is an alias.
  if (isBlock || !text.startsWith('*')) return text;
  return /["\\\n]/.test(text) ? hiddenValue + lineEndsOf(marked) : `"${text}"`;
}

/** Line ends and the indent of the last line, so that lines keep their numbers. */
function lineEndsOf(text: string): string {
  const lines = text.split('\n');
  const last = lines.at(-1) ?? '';
  return lines.length === 1 ? '' : '\n'.repeat(lines.length - 1) + (last.trim() === '' ? '' : /^\s*/.exec(last)?.[0]);
}

/** Characters beyond the basic plane are two in a text, and are hidden by one asterisk each. Stand-ins keep all places the same. */
function withoutPairs(source: string): string {
  return source.replace(/[\u{10000}-\u{10ffff}]/gu, pair.repeat(2));
}

function withPairs(shown: string, source: string): string {
  return shown.replace(pairs, (_pair, at: number) => source.charAt(at));
}

const pair = '\ue002';
const pairs = /\ue002/g;

/** The scalars of which not each character is shown, and those with variables. */
function unshownIn(
  shown: string,
  { source, positions }: SourceReading,
  redactor: TextRedactor,
): readonly UnshownText[] | null {
  const unshown: UnshownText[] = [];
  for (const { key, start, end, expanded } of positions.scalars()) {
    const written = source.slice(start, end);
    if (expanded === null && shown.slice(start, end) === written) continue;
    if (unshown.length === unshownMax) return null;
    unshown.push({ key: redactor.redact(key), value: expanded ?? written.replace(/^(["'])(.*)\1$/s, '$2') });
  }
  return unshown;
}

/** It looks like the name of a secret, and has names alone. Its stand-in is as wide, of characters for private use. */
const namesKey = 'secret_headers';
const standIn = '\ue001'.repeat(namesKey.length);

function maskLines(hidden: string): string {
  return hidden.replace(
    /^([ \t]*)([^\r\n]+)/gm,
    (_line, indent: string, rest: string) => indent + '*'.repeat(rest.length),
  );
}

const reference = /\$\{[A-Za-z_]\w*\}/g;

/** Also in a text that is no YAML: the path of a URL after `endpoint`. */
function withoutPaths(text: string): string {
  return text.replace(/(?<=(?<![\w-])endpoint["']?[ \t]*:[ \t]*["']?https?:\/\/[^\s/]{1,300}\/)[^\s,}]+/g, (path) =>
    '*'.repeat(path.length),
  );
}

/** A reference to a variable says where a secret comes from, and stays wherever it stands. */
function withReferences(hidden: string, source: string): string {
  let text = '';
  let at = 0;
  for (const { index, 0: found } of source.matchAll(reference)) {
    text += hidden.slice(at, index) + found;
    at = index + found.length;
  }
  return text + hidden.slice(at);
}

interface Collecting {
  readonly source: string;
  readonly positions: PathOffsets;
  readonly spans: Span[];
}

function collectSpans(value: unknown, path: Path, into: Collecting): void {
  // Routes have no such keys, and a configuration may have thousands of them.
  if (path.length === 1 && path[0] === 'routes') return;
  if (path.at(-1) === 'command') return collectCommand(value, path, into);
  if (typeof value !== 'object' || value === null) return isHidden(path, value) ? collect(path, into) : undefined;
  const parts = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [key, part] of parts) collectSpans(part, [...path, key], into);
}

function isHidden(path: Path, value: unknown): boolean {
  const [room, , key] = path;
  if (isAlertSecretPath(path)) return true;
  if (room === 'otlp' && path.at(-1) === 'endpoint') return hasSecretPath(String(value));
  // Hashes of tokens are no secrets: `hideSecrets` knows them.
  if (isSecretPath(path)) return room !== 'admin';
  if (room === 'applications' && key === 'environment') return true;
  if (room !== 'applications' && room !== 'upstreams') return false;
  return path.at(-2) === 'headers' || (path.at(-2) === 'drain_signal' && path.at(-1) === 'value');
}

/** A URL of a collector of which only a part may be shown. */
function hasSecretPath(url: string): boolean {
  return shownUrl(url).endsWith('***');
}

/** A list hides its words with secrets, and one line all of it. */
function collectCommand(value: unknown, path: Path, into: Collecting): void {
  if (typeof value === 'string') return hasSecret(value.split(/\s+/)) ? collect(path, into) : undefined;
  if (!Array.isArray(value)) return;
  const words = value.map(String);
  const redacted = commandRedactor.redactCommand(words);
  for (const at of words.keys()) if (words[at] !== redacted[at]) collect([...path, at], into);
}

const commandRedactor = new TextRedactor();

function hasSecret(words: readonly string[]): boolean {
  const redacted = commandRedactor.redactCommand(words);
  return words.some((word, at) => word !== redacted[at]);
}

function collect(path: Path, { source, positions, spans }: Collecting): void {
  const offsets = positions.valueOffsets(path);
  if (offsets === null) return;
  const [start, end] = offsets;
  const isQuoted = /^["']/.test(source.slice(start, end));
  spans.push(isQuoted ? { start: start + 1, end: end - 1 } : { start, end });
}

function secretHeadersOf(value: unknown): readonly string[] {
  const { log } = (value ?? {}) as { readonly log?: { readonly secret_headers?: unknown } | null };
  const written = typeof log === 'object' ? log?.secret_headers : undefined;
  return [written].flat().filter((name) => typeof name === 'string');
}
