import { TextRedactor } from '../core/redact/text-redactor.ts';

/**
 * Whoever writes a token where its hash belongs, or in any other place, hears of it on a terminal, in a journal and over the
 * admin API. None of them is a place for it, so that each secret of what was written becomes as many asterisks.
 */

const redactor = new TextRedactor();

/** A text of any kind without the tokens and other secrets in it, as wide as before. */
export function hideTokens(text: string): string {
  return redactor.mask(text);
}

/** Keys of targets of alerts whose values are secrets: a URL of a chat is one too. */
const alertSecrets: readonly unknown[] = ['url', 'token', 'routing_key', 'password'];

/** Where in the tree values are secrets of a target of alerts. */
export function isAlertSecretPath(path: readonly (string | number)[]): boolean {
  return path[0] === 'alerts' && alertSecrets.includes(path.at(-1));
}

/** Where in the tree values are secrets unless they are hashes. */
export function isSecretPath(path: readonly (string | number)[]): boolean {
  return (path[0] === 'admin' && path[1] === 'tokens') || (path[0] === 'otlp' && path[1] === 'headers');
}

/**
 * The text of a configuration without tokens, passwords and the like, and without what stands below `tokens` and is no hash. Each character keeps
 * its line and column. Asks for no grammar, since what is complained of may be no YAML.
 */
export function hideSecrets(source: string, keys: RegExp = secretKeys, secrets: TextRedactor = redactor): string {
  let hidden = '';
  let at = 0;
  let otlpEnd = 0;
  for (const { index, 0: key, 1: name } of source.matchAll(keys)) {
    const from = index + key.length;
    if (name === 'otlp' && from >= otlpEnd) otlpEnd = endOfValue(source, index, from);
    if (name === 'otlp' || from < at || (name === 'headers' && from >= otlpEnd)) continue;
    const to = endOfValue(source, index, from);
    hidden += source.slice(at, from) + hideValues(source.slice(from, to));
    at = to;
  }
  return keptCookieNames(hidden + source.slice(at), (text) => secrets.mask(text));
}

/** Keys whose values are secrets, `headers` below `otlp` alone. */
const secretKeys = /(?<![\w-])["']?(tokens?|url|routing_key|headers|otlp)["']?[ \t]*:(?=\s|$)/g;

/** And those that only the author of a text may see: variables of applications. */
export const shownTextKeys =
  /(?<![\w-])["']?(tokens?|url|routing_key|headers|otlp|environment|password)["']?[ \t]*:(?=\s|$)/g;

/** `balance: { hash: { cookie: sid } }` names a cookie and has none. What looks like a token in its place is hidden like any other. */
function keptCookieNames(source: string, hide: (text: string) => string): string {
  const marked = source.replace(/(?<=\bhash:\s*\{?\s*)cookie(?=:)/g, standIn);
  return hide(marked).replaceAll(standIn, 'cookie');
}

/** As wide as "cookie", of characters for private use, which no configuration has. */
const standIn = '\ue000'.repeat('cookie'.length);

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
  /(?<=^|\s)#.*|\$\{[A-Za-z_]\w*\}|("(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s{}[\],"'][^\s{}[\],]*)([ \t]*:(?=\s|$))?/gm;

/** Names stay, and so do hashes, roles and references to variables, which are no secrets. */
function hideValues(text: string): string {
  return text.replace(valuePattern, (whole: string, value: string | undefined, colon: string | undefined) => {
    if (value === undefined || colon !== undefined || value.endsWith(':')) return whole;
    const plain = value.replace(/^(["'])(.*)\1$/s, '$2');
    if (/^(?:sha256:[0-9a-f]{64}|read|operate|\$\{[A-Za-z_]\w*\}|-|&\w+)$/.test(plain)) return whole;
    const quote = /^["']/.exec(value)?.[0] ?? '';
    return quote === '' ? asterisks(value) : `${quote}${asterisks(value.slice(1, -1))}${quote}`;
  });
}

function asterisks(text: string): string {
  return '*'.repeat([...text].length);
}
