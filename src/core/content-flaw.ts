import {
  type ContentKind,
  contentKinds,
  elsewhereCell,
  errorKind,
  jsonKind,
  listKind,
  madeCell,
} from './content-kind.ts';
import type { MessageHeaders, RequestHead } from './message.ts';

const [gzip1, gzip2, less] = [0x1f, 0x8b, 0x3c];
/** Of these kinds, content never begins as gzip does. */
const texts: ReadonlySet<ContentKind> = new Set(
  (['json', 'html', 'text', 'xml', 'style', 'script'] as const).map((kind) => contentKinds.indexOf(kind)),
);

/** The codings of a response: '' where it has none, null where its client has not said that it takes them. Two of them, one in the other, nobody asks for. */
export function takenCoding(request: MessageHeaders, response: MessageHeaders): string | null {
  const coding = (response.get('content-encoding') ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'identity') return '';
  if (coding.includes(',')) return null;
  const name = coding.startsWith('x-') ? coding.slice(2) : coding;
  const accepted = request.get('accept-encoding')?.toLowerCase();
  return accepted !== undefined && (accepted.includes(name) || accepted.includes('*')) ? name : null;
}

/** Whether a response needs a condition or a range that its request did not have (RFC 9110 §15.3.7, §15.4.5): its client has no copy, and not the rest. */
export function isUnasked(status: number, request: MessageHeaders): boolean {
  if (status === 304) return !request.has('if-none-match') && !request.has('if-modified-since');
  return status === 206 && !request.has('range');
}

/** Whether content that begins so is in another coding than its head says, coded twice, or HTML where its head says JSON. */
export function isOtherContent(
  kind: ContentKind,
  coding: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (end - start < 2) return false;
  const isGzip = bytes[start] === gzip1 && bytes[start + 1] === gzip2;
  if (coding === 'gzip') return !isGzip || isGzipOfGzip(bytes, start, end);
  if (coding !== '') return false;
  return isGzip ? texts.has(kind) : kind === jsonKind && bytes[start] === less;
}

/** What is compressed already gets no smaller, so that it is stored as it is: behind the head of ten bytes and that of its block (RFC 1951 §3.2.4). */
function isGzipOfGzip(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 17 || bytes[start + 3] !== 0) return false;
  const isStored = ((bytes[start + 10] as number) & 6) === 0;
  return isStored && bytes[start + 15] === gzip1 && bytes[start + 16] === gzip2;
}

const [bracketOpen, quote] = [0x5b, 0x22];
/** How the keys begin that may tell of an error. */
const firstLetters: ReadonlySet<number | undefined> = new Set([...'eos'].map((letter) => letter.charCodeAt(0)));
const beginningMax = 40;
const errorBegins =
  /^\{\s*"(?:errors?"\s*:\s*(?:"[^"]|\{|\[\s*[^\]\s]|true)|(?:ok|success)"\s*:\s*false|status"\s*:\s*"(?:error|fail))/;

/** What JSON is by its first bytes: a list, an error that has a good status, as those of GraphQL have, or something else. */
export function jsonKindOf(bytes: Uint8Array, start: number, end: number): ContentKind {
  if (bytes[start] === bracketOpen) return listKind;
  const second = bytes[start + 1] ?? 0;
  if (second > quote || (second === quote && !firstLetters.has(bytes[start + 2]))) return jsonKind;
  let text = '';
  for (let at = start; at < Math.min(end, start + beginningMax); at++) text += String.fromCharCode(bytes[at] as number);
  return errorBegins.test(text) ? errorKind : jsonKind;
}

/** JSON ends with its last bracket; so does each line of several. White space may follow. */
const ends: ReadonlySet<number> = new Set([...'}]\n\r\t '].map((character) => character.charCodeAt(0)));

export const isUnclosedJson = (kind: ContentKind, lastByte: number): boolean =>
  (kind === jsonKind || kind === listKind || kind === errorKind) && !ends.has(lastByte);

/**
 * A cell for where a redirect leads: its scheme, its host and the first part of its path; one from `elsewhereCell` on for another site. `madeCell` where what a request has made is shown (303, RFC 9110
 * §15.4.4): one name below the path that was asked for, with a digit, which a page to log in has not.
 */
export function targetCell(location: string | null, status = 302, request?: Asked): number {
  if (location === null) return 0;
  if (status === 303 && request !== undefined && request.method !== 'GET' && isMade(location, request)) return madeCell;
  const start = /^(?:[a-z][a-z0-9+.-]*:)?(?:\/\/[^/?#]*)?\/?[^/?#]*/i.exec(location)?.[0] ?? '';
  let hash = 0x811c9dc5;
  for (let index = 0; index < start.length; index++) hash = Math.imul(hash ^ start.charCodeAt(index), 0x01000193);
  const first = request !== undefined && isElsewhere(start, request.authority) ? elsewhereCell : 1;
  return first + ((hash >>> 0) % (elsewhereCell - 1));
}

type Asked = Pick<RequestHead, 'method' | 'target' | 'authority'>;

/** Whether an address has a host of another site than that of the request: the last two labels of a name, or an address. */
function isElsewhere(start: string, authority: string): boolean {
  const host = /^[^/]*\/\/(?:[^@/]*@)?([^/]+)/.exec(start)?.[1];
  return host !== undefined && siteOf(host) !== siteOf(authority);
}

function siteOf(authority: string): string {
  const host = authority.toLowerCase().replace(/:\d*$/, '');
  return /^\[|^[\d.]+$/.test(host) ? host : host.replace(/\.$/, '').split('.').slice(-2).join('.');
}

function isMade(location: string, { target }: Asked): boolean {
  const folder = `${pathOf(target).replace(/\/$/, '')}/`;
  const path = pathOf(location);
  return path.startsWith(folder) && /^[^/]*[0-9][^/]*$/.test(path.slice(folder.length));
}

const pathOf = (target: string): string => target.replace(/[?#].*$/s, '');
