import { assert } from '../core/assert.ts';
import {
  beginsAsClaim,
  claimPrefixes,
  headerId,
  forwardedPrefixes,
  isClaimIfOriginal,
  knownHeaderNames,
} from '../core/header-names.ts';

/**
 * From the bytes of a header name to its number (`core/header-names.ts`), without building a string: about 10 ns.
 *
 * A perfect hash over length and three bytes, found when the module loads, so that a name added in `core/` needs no
 * change here. What the hash finds is compared byte by byte, since any name may fall on its place.
 */
const hashBits = 10;
const letterS = 0x73;
const letterX = 0x78;
const bytesOf: readonly Uint8Array[] = knownHeaderNames.map((name) => Uint8Array.from(name, (c) => c.charCodeAt(0)));
/** That of the names which there are: `perfect-factor.test.ts` says so when they change. */
export const firstFactor = 0x645b28e1;
export const factor = perfectFactor(firstFactor, bytesOf.slice(1), 1 << hashBits, hash);
const byHash = fillTable();

/** The number of the name in bytes [start, end), in either case; 0 when it is not a known one. */
export function knownNameId(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const id = byHash[hash(bytes, start, length, factor)] as number;
  const name = bytesOf[id] as Uint8Array;
  if (name.length !== length) return 0;
  // Names hold letters and "-" only, and the bytes are of a token: setting bit 5 folds the case and nothing else.
  for (let index = 0; index < length; index++) {
    if (((bytes[start + index] as number) | 0x20) !== name[index]) return 0;
  }
  return id;
}

/** Not 0 for letters, digits and "-". */
const plainBytes = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/**
 * Whether the name is a known one, or a claim on who the client is, as soon as "_" is read for "-": `X_Forwarded_For`,
 * `Transfer_Encoding`. What speaks CGI, WSGI or Rack makes one variable of both spellings, and lighttpd of "." and every
 * other mark too, so that a client that sends the other spelling would speak in the gateway's name.
 */
export function isDisguised(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at < end && plainBytes[bytes[at] as number] !== 0) at++;
  if (at === end) return false;
  const name = dashed(bytes.toString('latin1', start, end).toLowerCase());
  return headerId(name) !== 0 || beginsAsClaim(name, forwardedPrefixes);
}

/** A lowercase name with "-" for every mark: two names that are the same then are one variable to a CGI program. */
export function dashed(name: string): string {
  return name.replace(/[^a-z0-9]/g, '-');
}

const claimBeginnings = claimPrefixes.map((prefix) => Uint8Array.from(prefix, (c) => c.charCodeAt(0)));
const claimLength = claimPrefixes[0].length;

/** Lowercase for letters, digits as they are, "-" for every mark. */
const dashedBytes = Uint8Array.from({ length: 256 }, (_, byte) =>
  dashed(String.fromCharCode(byte).toLowerCase()).charCodeAt(0),
);

/**
 * Whether the name at `start` begins with one of `claimPrefixes`, in either case and with any marks, and is a claim. Nearly every name
 * differs in its first two bytes.
 */
export function isClaim(bytes: Uint8Array, start: number, length: number): boolean {
  const first = (bytes[start] as number) | 0x20;
  if ((first !== letterX && first !== letterS) || length < claimLength) return false;
  for (const beginning of claimBeginnings) {
    let index = 0;
    while (index < claimLength && dashedBytes[bytes[start + index] as number] === beginning[index]) index++;
    if (index === claimLength) return isClaimIfOriginal(dashedName(bytes, start, length));
  }
  return false;
}

function dashedName(bytes: Uint8Array, start: number, length: number): string {
  let name = '';
  for (let at = start; at < start + length; at++)
    name += String.fromCharCode(dashedBytes[bytes[at] as number] as number);
  return name;
}

function hash(bytes: Uint8Array, start: number, length: number, by: number): number {
  const first = (bytes[start] as number) | 0x20;
  const middle = (bytes[start + (length >> 1)] as number) | 0x20;
  const late = (bytes[start + (length > 4 ? length - 4 : 0)] as number) | 0x20;
  return Math.imul((first << 21) ^ (middle << 14) ^ (late << 7) ^ length, by) >>> (32 - hashBits);
}

function fillTable(): Uint8Array {
  assert(knownHeaderNames.length <= 256, 'the number of a known header name fits into a byte');
  const table = new Uint8Array(1 << hashBits);
  bytesOf.forEach((name, id) => {
    if (id !== 0) table[hash(name, 0, name.length, factor)] = id;
  });
  return table;
}

/**
 * A factor under which no two names have the same index in a table of `size`: a perfect hash, found when a module loads. `first` is tried first:
 * with the factor that was found once there is no search, which takes milliseconds of each thread's start.
 */
export function perfectFactor(
  first: number,
  names: readonly Uint8Array[],
  size: number,
  hash: (bytes: Uint8Array, start: number, length: number, by: number) => number,
): number {
  const tried = new Uint32Array(size);
  for (let candidate = first, tries = 1; tries <= 100_000; tries++, candidate = (candidate + 0x3c6ef372) | 1) {
    let at = 0;
    for (; at < names.length; at++) {
      const name = names[at] as Uint8Array;
      const index = hash(name, 0, name.length, candidate);
      if (tried[index] === tries) break;
      tried[index] = tries;
    }
    if (at === names.length) return candidate;
  }
  assert(false, 'no perfect hash over the names');
}
