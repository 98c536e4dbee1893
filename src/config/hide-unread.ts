import type { TextRedactor } from '../redact/text-redactor.ts';
import { queryValueSpans } from '../redact/named-values.ts';
import { replaceSpans } from '../redact/span.ts';
import { hidingOfName } from './hidden-keys.ts';

/**
 * A text of which nothing could be read, or not all, without secrets and without the values of keys that have some or that are not
 * known. Each character keeps its line and column. Asks for no grammar, since what is complained of may be no YAML.
 */
export function hideUnread(source: string, redactor: TextRedactor): string {
  let hidden = '';
  let at = 0;
  for (const { index, 0: key, 1: name = '' } of source.matchAll(keyPattern)) {
    const from = index + key.length;
    const hiding = hidingOfName(name);
    if (from < at || hiding === null) continue;
    const to = endOfValue(source, index, from);
    const value = source.slice(from, to);
    hidden += source.slice(at, from);
    hidden +=
      hiding === 'query'
        ? replaceSpans(value, queryValueSpans(value), asterisks)
        : hideValues(value, hiding === 'value');
    at = to;
  }
  return redactor.mask(hidden + source.slice(at));
}

/** What stands where something else was meant, and is no secret by its form: a switch, a small number, a duration, a size, an address. */
export const plainForm =
  /^["']?(?:true|false|yes|no|on|off|none|null|auto|always|never|default|\d{1,3}%?|\d{1,6}(?:ms|s|m|h|d|B|[KMG]i?B?)|(?:https?:\/\/)?(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5}|\/\d{1,2})?|(?:localhost)?:\d{1,5})["']?$/i;

/** Also where the space behind the colon is missing. */
const keyPattern = /(?<![\w.-])["']?([A-Za-z_][\w.-]{0,100})["']?[ \t]*:/g;

/** Where the value ends of a key that begins at `key` and whose colon stands before `from`. */
function endOfValue(source: string, key: number, from: number): number {
  const opening = /^\s*[[{]/.exec(source.slice(from));
  if (opening !== null) return endOfBrackets(source, from + opening[0].length - 1);
  const lineAt = source.lastIndexOf('\n', key - 1) + 1;
  const before = source.slice(lineAt, key);
  // A single value inside of brackets ends with them.
  if (/[{,]\s*$/.test(before)) return from + /^[^,}\n]*/.exec(source.slice(from))![0].length;
  const indent = /^[\s-]*/.exec(before)![0].length;
  let end = endOfLine(source, from);
  while (end < source.length) {
    const line = source.slice(end + 1, endOfLine(source, end + 1));
    const inner = /^ *(?=\S)/.exec(line)?.[0].length;
    const isItem = inner === indent && /^ *- /.test(line);
    if (inner !== undefined && inner <= indent && !isItem && !line.startsWith('\t')) break;
    end = endOfLine(source, end + 1);
  }
  return end;
}

/** One that is never closed reaches to the end. */
function endOfBrackets(source: string, from: number): number {
  let depth = 0;
  for (let at = from; at < source.length; at += 1) {
    if (source[at] === '{' || source[at] === '[') depth += 1;
    else if (source[at] === '}' || source[at] === ']') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return source.length;
}

function endOfLine(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end === -1 ? source.length : end;
}

/** A quoted or plain piece of text, and the colon that makes it a key; or a comment, or a variable. */
const valuePattern =
  /(?<=^|\s)#.*|\$\{[A-Za-z_]\w*\}|\{port\}|("(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s{}[\],"'][^\s{}[\],]*)([ \t]*:(?=\s|$))?/gm;

/** Names stay, and so do hashes, roles and references to variables, which are no secrets. */
function hideValues(text: string, isSecret: boolean): string {
  return text.replace(valuePattern, (whole: string, value: string | undefined, colon: string | undefined) => {
    if (value === undefined || colon !== undefined || value.endsWith(':')) return whole;
    const plain = value.replace(/^(["'])(.*)\1$/s, '$2');
    if (/^(?:sha256:[0-9a-f]{64}|read|operate|\$\{[A-Za-z_]\w*\}|-|&\w+)$/.test(plain)) return whole;
    if (!isSecret && plainForm.test(plain)) return whole;
    const quote = /^["']/.exec(value)?.[0] ?? '';
    return quote === '' ? asterisks(value) : `${quote}${asterisks(value.slice(1, -1))}${quote}`;
  });
}

/** What cannot stand in YAML stays, so that it is seen. */
function asterisks(text: string): string {
  return text.replace(/[^\p{Cc}]/gu, '*');
}
