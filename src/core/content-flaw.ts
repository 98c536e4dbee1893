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

const [bracketOpen, bracketClose, brace, quote, colon] = [0x5b, 0x5d, 0x7b, 0x22, 0x3a];
const codesOf = (text: string): readonly number[] => [...text].map((character) => character.charCodeAt(0));
const [letterT, letterF] = codesOf('tf');
const failing = ['err', 'fai'].map(codesOf);

/** What the first key of JSON says where its value is so. */
type ErrorKey = 'error' | 'isWell' | 'status';
const keyMax = 8;
const firstLetters: ReadonlySet<number | undefined> = new Set(codesOf('eos'));
const errorKeys: ReadonlyMap<number, ErrorKey> = new Map(
  (
    [
      ['error', 'error'],
      ['errors', 'error'],
      ['ok', 'isWell'],
      ['success', 'isWell'],
      ['status', 'status'],
    ] as const
  ).map(([name, key]) => [codesOf(name).reduce(hashed, 0x811c9dc5), key]),
);

/** What JSON is by its first bytes: a list, an error that has a good status, as those of GraphQL have, or something else. Each response is asked, so that no string is made. */
export function jsonKindOf(bytes: Uint8Array, start: number, end: number): ContentKind {
  if (bytes[start] === bracketOpen) return listKind;
  let at = afterBlanks(bytes, start + 1, end);
  if (bytes[at] !== quote) return jsonKind;
  const name = at + 1;
  if (!firstLetters.has(bytes[name])) return jsonKind;
  let hash = 0x811c9dc5;
  for (at = name; at < end && bytes[at] !== quote; at++) {
    if (at - name === keyMax) return jsonKind;
    hash = hashed(hash, bytes[at] as number);
  }
  const key = errorKeys.get(hash);
  if (key === undefined) return jsonKind;
  at = afterBlanks(bytes, at + 1, end);
  if (bytes[at] !== colon) return jsonKind;
  return isError(key, bytes, afterBlanks(bytes, at + 1, end), end) ? errorKind : jsonKind;
}

function isError(key: ErrorKey, bytes: Uint8Array, at: number, end: number): boolean {
  const first = bytes[at];
  if (key === 'isWell') return first === letterF;
  if (key === 'status')
    return first === quote && failing.some((word) => word.every((code, index) => bytes[at + 1 + index] === code));
  if (first === quote) return bytes[at + 1] !== quote;
  return (
    first === brace ||
    first === letterT ||
    (first === bracketOpen && bytes[afterBlanks(bytes, at + 1, end)] !== bracketClose)
  );
}

function afterBlanks(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] as number) <= 0x20) at += 1;
  return at;
}

/** FNV-1a. */
function hashed(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
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
