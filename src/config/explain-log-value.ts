import { secretHeaders } from '../redact/text-redactor.ts';
import { plainText } from '../schema/error-detail.ts';
import { isToken } from '../schema/format/field.ts';

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
  return `write json, or remove the key${offWord.test(word) ? '; "path: none" switches the log off' : ''}`;
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
    isAccepted: (name) => isToken(name) && !secretHeaders.includes(name.toLowerCase()),
    otherwise: 'name headers that carry no secrets, such as [user-agent, referer]',
  },
  query_allowed: {
    examples: '[page, sort]',
    isAccepted: () => true,
    otherwise: 'name parameters, such as [page, sort]',
  },
  secret_headers: { examples: '[X-Pass]', isAccepted: isToken, otherwise: 'name headers, such as [X-Pass]' },
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
