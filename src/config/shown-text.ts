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

/**
 * The text of a configuration for the admin API and the dashboard, with `***` in place of everything that the log and the status never
 * show: what `hideSecrets` finds, variables of applications, headers of checks, and commands with a secret. Lines keep their numbers.
 */
export function shownText({ source, value, positions }: SourceReading): string {
  const spans: Span[] = [];
  collectSpans(value, [], { source, positions, spans });
  const masked = replaceSpans(source, spans, maskLines);
  const redactor = new TextRedactor(secretHeadersOf(value));
  const hidden = hideSecrets(withoutPaths(masked).replaceAll(namesKey, standIn), shownTextKeys, redactor);
  return withReferences(hidden.replaceAll(standIn, namesKey), source).replace(/\*{4,}/g, '***');
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
  // Characters beyond the basic plane are hidden by one asterisk: then places are not the same.
  if (hidden.length !== source.length) return hidden;
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
