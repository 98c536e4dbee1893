import type { Span } from './span.ts';

/** Characters that end an address or a word. */
const outside = /[\s"<>|]/;

/**
 * The user information of each address in `text` (RFC 3986 §3.2.1): all of it behind `//`, and what follows the colon of
 * `user:password@` without `//` before it. A password with `/` or `@`, which it should not have, is found too.
 * An e-mail address has no colon and stays. Each character is read a bounded number of times.
 */
export function userInformationSpans(text: string): readonly Span[] {
  const spans: Span[] = [];
  let floor = 0;
  let last: Span | null = null;
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const start = startOfWord(text, at, floor);
    // "user:p@ss@host": the apparent host belongs to the password.
    const span: Span | null =
      start === floor && last !== null && last.end === floor - 1 ? joined(text, last, at) : null;
    last = span ?? spanBefore(text, start, at);
    if (last !== null) spans.push(last);
    floor = at + 1;
  }
  const cut = cutAtEnd.exec(text.slice(Math.max(floor, text.length - cutCharactersMax)));
  if (cut !== null) spans.push({ start: text.length - (cut[1] as string).length, end: text.length });
  return spans;
}

/** The beginning of an address at the end of a text that was cut before its "@": no port has letters, except one that is put in later. */
const cutAtEnd =
  /\/\/([^\s"'<>|/@?#:[]*:(?!(?:\{port\}|\$PORT|\$\{PORT\}|%PORT%)$)[^\s"'<>|/@?#:]*[A-Za-z][^\s"'<>|/@?#]*)$/;
const cutCharactersMax = 512;

function joined(text: string, before: Span, at: number): Span | null {
  return /[/?#]/.test(text.slice(before.end, at)) ? null : { start: before.start, end: at };
}

/** Not before `floor`, where the last "@" was. */
function startOfWord(text: string, at: number, floor: number): number {
  let start = at;
  while (start > floor && !outside.test(text[start - 1] as string)) start--;
  return start;
}

function spanBefore(text: string, start: number, at: number): Span | null {
  if (start === at) return null;
  const word = text.slice(start, at);
  const authority = authorityStart(word);
  if (authority >= 0) {
    const rest = word.slice(authority);
    const path = /[/?#]/.exec(rest);
    // "//host:8080/people/a@b" has a port and a path; "//user:p/w@host" has a password.
    if (path === null || /:(?!\d*$)/.test(rest.slice(0, path.index))) return spanOf(start + authority, at);
  }
  let part = word.length;
  while (part > 0 && !partsWords.includes(word[part - 1] as string)) part--;
  const colon = word.indexOf(':', part);
  return colon > part ? spanOf(start + colon + 1, at) : null;
}

/** Characters that may precede the user's name in a path, a list or a sentence. */
const partsWords = "/?&=,;({[#'`";

/** The position after the first "//" of a word, also escaped as in JSON; −1 without. */
function authorityStart(word: string): number {
  const found = /\/\/|\\\/\\\//.exec(word);
  return found === null ? -1 : found.index + found[0].length;
}

function spanOf(start: number, end: number): Span | null {
  return start < end ? { start, end } : null;
}

/** Percent-encoded user information is never longer. */
const encoded = /%2f%2f([^\s"'<>&/@]{1,512}?)%40/gi;

/** The same in an address that is percent-encoded within another. */
export function encodedUserInformationSpans(text: string): readonly Span[] {
  const spans: Span[] = [];
  for (const { index, 1: secret = '' } of text.matchAll(encoded)) {
    const start = index + '%2f%2f'.length;
    spans.push({ start, end: start + secret.length });
  }
  return spans;
}

/** `user:password@host` of a Host header or an authority: nothing before the last "@" is part of a host. */
export function hideUserOfAuthority(authority: string, replacement: string): string {
  const at = authority.lastIndexOf('@');
  return at === -1 ? authority : `${replacement}${authority.slice(at)}`;
}
