import type { Path } from '../schema/findings.ts';
import { secretHeaders } from '../redact/text-redactor.ts';
import { plainText } from '../schema/error-detail.ts';
import { isToken } from '../schema/format/field.ts';

/** Where people write the commonest value of a section in place of the section; `*` stands for any name. */
interface ShortForm {
  readonly at: string;
  readonly is: RegExp;
  /** What to write. It is accepted there. */
  readonly write: (word: string) => string;
}

const url = /^https?:\/\/\S+$/i;
const time = /^\d+(?:\.\d+)?(?:ms|s|m|h)$/;
const socketPath = /^[./~]\S*$/;
const hostAndPort = /^(?:\[[0-9a-f:]+\]|[\w.-]*):\d+$/i;
const percentage = /^\d+(?:\.\d+)?%$/;
const whole = /^\d+$/;
const port = /^\d{2,5}$/;

const inKey =
  (key: string) =>
  (word: string): string =>
    `{ ${key}: ${word} }`;
const inQuotes =
  (key: string) =>
  (word: string): string =>
    `{ ${key}: ${JSON.stringify(word)} }`;
/** A secret is not repeated. */
const secret = (key: string) => (): string => `{ ${key}: … }`;

/** As people say it: 3 days. */
const wordedAge = /^(\d+)\s*(m|h|d)(?:in(?:ute)?s?|ours?|ays?)?$/i;

function shortAge(word: string): string {
  const [, count = '', unit = ''] = wordedAge.exec(word) ?? [];
  return `${count}${unit.toLowerCase()}`;
}

/** A certificate of a listener, with its key beside it. */
const certificate = (file: string): string => `{ certificate_file: ${file}, key_file: … }`;

/** What to write for a key of "tls" of a listener that is one of a certificate. */
export const certificateForm = `certificates: [${certificate('…')}]`;

/** In place of nginx's `^/old/(.*)$ /new/$1 last`. */
const patternRewrite = 'path: "~ ^/old/(.*)$", rewrite: { path: "/new/{capture.1}" }';

const forms: readonly ShortForm[] = [
  { at: 'otlp', is: url, write: inKey('endpoint') },
  { at: 'otlp.traces', is: percentage, write: inKey('share') },
  { at: 'otlp.metrics', is: time, write: inKey('interval') },
  { at: 'admin', is: socketPath, write: inQuotes('socket') },
  { at: 'admin', is: hostAndPort, write: inQuotes('listen') },
  { at: 'admin', is: port, write: (word) => `{ listen: "127.0.0.1:${word}" }` },
  { at: 'alerts', is: url, write: () => '{ targets: { chat: { webhook: { url: … } } } }' },
  { at: 'alerts.targets.*', is: url, write: () => '{ webhook: { url: … } }' },
  { at: 'alerts.targets.*.webhook', is: url, write: secret('url') },
  { at: 'alerts.targets.*.slack', is: url, write: secret('url') },
  { at: 'alerts.targets.*.discord', is: url, write: secret('url') },
  { at: 'alerts.targets.*.pagerduty', is: /^\w+$/, write: secret('routing_key') },
  {
    at: 'alerts.targets.*.smtp',
    is: hostAndPort,
    write: (word) => `{ server: ${JSON.stringify(word)}, from: …, to: … }`,
  },
  { at: 'alerts.targets.*.command', is: /\S/, write: (word) => `{ run: ${JSON.stringify(word.split(/\s+/))} }` },
  { at: 'listeners.*.tls.certificates', is: /\S/, write: (word) => `[${certificate(word)}]` },
  { at: 'listeners.*.tls.certificates.*', is: /\S/, write: certificate },
  { at: 'timeouts', is: time, write: inKey('response_head') },
  { at: 'routes.*.timeouts', is: time, write: inKey('response_head') },
  { at: 'drain', is: time, write: inKey('timeout') },
  { at: 'routes.*.rewrite', is: /^\/\S*$/, write: () => '{ path: … }' },
  { at: 'routes.*.rewrite', is: /^\^?\S+\s+\//, write: () => patternRewrite },
  { at: 'routes.*.rewrite.query', is: /=/, write: () => '{ set: { … } }' },
  { at: 'websocket', is: time, write: inKey('idle_timeout') },
  {
    at: 'dns',
    is: /^(?:\d+\.){3}\d+$|^[0-9a-f:]*:[0-9a-f:]+$/i,
    write: (word) => `{ servers: [${JSON.stringify(word)}] }`,
  },
  { at: 'store.keep', is: /^\d+(?:m|h|d)$/, write: inKey('age') },
  { at: 'store.keep', is: wordedAge, write: (word) => `{ age: ${shortAge(word)} }` },
  { at: 'store.keep', is: /^\d+(?:KiB|MiB|GiB)$/, write: inKey('size') },
  { at: 'log', is: /^[\w-]+(?:\.[\w-]+)+$/, write: inQuotes('path') },
  { at: 'upstreams.*.connections', is: whole, write: inKey('max') },
  { at: 'applications.*.connections', is: whole, write: inKey('max') },
  { at: 'upstreams.*.when_none_ready', is: time, write: inKey('wait') },
];

/** What to write where the value of a section's commonest key stands in its place; null where that is not clear. */
export function suggestForShortForm(path: Path, input: unknown): string | null {
  if (isAt(path, 'alerts.targets.*.command') && isWords(input))
    return `write command: { run: ${JSON.stringify(input)} }`;
  if (isAt(path, 'alerts.targets.*') && isWords(input)) return `write { command: { run: ${JSON.stringify(input)} } }`;
  if (isAt(path, 'applications.*') && isWords(input)) return `write { command: ${JSON.stringify(input)} }`;
  if (isAt(path, 'routes.*.redirect.map') && typeof input === 'object')
    return 'write lines such as /old /new into a file, and its name here';
  if (typeof input !== 'string' && typeof input !== 'number') return null;
  const word = String(input);
  if (offWord.test(word)) return null;
  const found = forms.find(({ at, is }) => is.test(word) && isAt(path, at));
  return found === undefined ? null : `write ${found.write(word)}`;
}

function isWords(input: unknown): input is readonly string[] {
  return Array.isArray(input) && input.length > 0 && input.every((word) => typeof word === 'string');
}

function isAt(path: Path, at: string): boolean {
  const parts = at.split('.');
  return parts.length === path.length && parts.every((part, index) => part === '*' || part === String(path[index]));
}

/** Words that switch something off, and those for all there is. */
export const offWord = /^(?:off?|no|none|never|false|disabled?)$/i;
export const allWord = /^(?:all|any|every|everyone|everybody|\*|yes|on|true)$/i;

/** What to write in place of a wrong value of a key of `log`; null where that is not clear. What is suggested is accepted. */
export function suggestForLog(key: string, input: unknown): string | null {
  const list = lists[key];
  if (list !== undefined) return suggestForNames(input, list);
  if (Array.isArray(input) && input.length === 1 && typeof input[0] === 'string') return 'remove the brackets';
  if (typeof input !== 'string' && typeof input !== 'boolean') return null;
  const word = String(input);
  switch (key) {
    case 'compress':
      return suggestForCompression(word);
    case 'format':
      return suggestForFormat(word);
    case 'detail':
      return suggestForDetail(word);
    case 'keep':
      return /^\d+$/.test(word) ? null : 'write a number from 1 to 1000';
    default:
      return null;
  }
}

/** The words of other log rotations, and names of files and programs. */
function suggestForCompression(word: string): string | null {
  if (offWord.test(word)) return 'write none';
  if (allWord.test(word)) return 'write zstd, or remove the key: files are compressed without it';
  if (/^\.?(?:gz|gzip|deflate|zlib)$/i.test(word)) return 'write gzip';
  if (/^\.?(?:zst|zstd|zstandard)$/i.test(word)) return 'write zstd';
  return /^\.?(?:xz|lzma|bz2|bzip2|br|brotli|lz4|snappy|zip)$/i.test(word)
    ? 'write zstd, which is the fastest, or gzip'
    : null;
}

/** Names of other gateways and of formats. */
function suggestForFormat(word: string): string | null {
  if (/^(?:apache|httpd|nginx|common|combined?|clf|ncsa|main|text|plain|access|vhost_combined)$/i.test(word))
    return "write combined for Apache's format, or json for records with the cause of each failure";
  if (/^(?:ndjson|jsonl|jsonlines|json-?lines|structured|default)$/i.test(word)) return 'write json';
  return `write json, a line such as "{client_address} {path} {status}", or remove the key${offWord.test(word) ? '; "path: none" switches the log off' : ''}`;
}

function suggestForDetail(word: string): string {
  return offWord.test(word) || /^(?:min|minimal|minimum|low|less|short|normal|default|basic|terse)$/i.test(word)
    ? 'write brief, or remove the key'
    : 'write full, or remove the key for brief';
}

interface NameList {
  readonly examples: string;
  /** Whether an entry is accepted. */
  readonly isAccepted: (name: string) => boolean;
  /** What remains where no name is accepted. */
  readonly otherwise: string;
}

const lists: Readonly<Record<string, NameList>> = {
  headers: {
    examples: '[user-agent, referer]',
    isAccepted: (name) => isToken(name) && !name.includes('*') && !secretHeaders.includes(name.toLowerCase()),
    otherwise: 'name headers that carry no secrets, such as [user-agent, referer]',
  },
  query_allowed: {
    examples: '[page, sort]',
    isAccepted: (name) => !name.includes('*'),
    otherwise: 'name parameters, such as [page, sort]',
  },
  secret_headers: {
    examples: '[X-Pass]',
    isAccepted: (name) => isToken(name) && !name.includes('*'),
    otherwise: 'name headers, such as [X-Pass]',
  },
};

/** A list of names is wanted, and something else stands there. */
function suggestForNames(input: unknown, { examples, isAccepted, otherwise }: NameList): string {
  if (typeof input === 'number') return `write ["${input}"]`;
  if (typeof input !== 'string' && typeof input !== 'boolean') return `write the names as a list, such as ${examples}`;
  const word = String(input);
  if (offWord.test(word)) return 'write [], or remove the key';
  if (allWord.test(word)) return `write each name, such as ${examples}`;
  const names = word.split(/[\s,;]+/).filter((name) => name !== '' && isAccepted(name));
  return names.length === 0 ? otherwise : `write [${names.map(written).join(', ')}]`;
}

/** Quoted where YAML would read something else than the text. */
function written(name: string): string {
  return /^[A-Za-z][\w-]*$/.test(name) && !offWord.test(name) && !allWord.test(name) && !/^(?:null|y|n)$/i.test(name)
    ? plainText(name)
    : JSON.stringify(name);
}
